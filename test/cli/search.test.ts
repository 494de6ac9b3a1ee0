// `wavetile search` from vector files and from index files, its three outputs, and how it fails.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/runtime/device.js';
import { FlatIndex } from '../../src/vector/flat-index.js';
import { readIvecs, writeFvecs, writeNpy } from '../../src/vector/formats/index.js';
import { writeIndexFile } from '../../src/vector/index-file.js';
import { IvfPqIndex } from '../../src/vector/ivf-pq-index.js';
import { NeuralCodec } from '../../src/vector/neural-codec.js';
import { NeuralFlatIndex } from '../../src/vector/neural-flat-index.js';
import { runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-search-'));
const file = (name: string) => join(folder, name);
const dimensions = 8;
const rows = 600;

/** Row i is i on its first axis, so the neighbours of row i are i, then i ± 1. */
const base = new Float32Array(rows * dimensions);
for (let row = 0; row < rows; row++) base[row * dimensions] = row;
const queries = base.slice(100 * dimensions, 103 * dimensions);

beforeAll(async () => {
  await writeFvecs(file('base.fvecs'), { dimensions, data: base });
  await writeNpy(file('base.npy'), { dimensions, data: base });
  await writeFvecs(file('queries.fvecs'), { dimensions, data: queries });
  await writeFvecs(file('other.fvecs'), { dimensions: 4, data: queries });
  using device = await Device.open({ backend: 'cpu' });
  using flat = FlatIndex.create(device, { dimensions });
  await flat.add(base, { ids: BigInt64Array.from({ length: rows }, (_, i) => BigInt(i) + 2n ** 40n) });
  await flat.save(file('flat.index'));
  using ivf = await IvfPqIndex.train(device, base, { dimensions, lists: 4, subspaces: 2 });
  await ivf.add(base);
  await ivf.save(file('ivf.index'));
  using codec = await NeuralCodec.train(device, base, { dimensions, latentDimensions: 4, epochs: 0 });
  using codes = NeuralFlatIndex.create(device, codec);
  await codes.add(base);
  await codes.save(file('codes.index'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const search = (index: string, ...args: string[]) =>
  runCli('main', ['search', file(index), '--queries', file('queries.fvecs'), ...args]);

describe('wavetile search', () => {
  it('prints TSV from fvecs and npy', async () => {
    for (const name of ['base.fvecs', 'base.npy']) {
      const { code, stdout, stderr } = await search(name, '-k', '1');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toBe('query\trank\tid\tdistance\n0\t1\t100\t0\n1\t1\t101\t0\n2\t1\t102\t0\n');
    }
  });

  it('prints JSON, with 64-bit ids of an index file', async () => {
    const args = ['-k', '3', '--first', '1', '--count', '1'];
    const { stdout } = await search('flat.index', ...args, '--format', 'json');
    const first = 2 ** 40 + 101;
    expect(JSON.parse(stdout)).toEqual([{ query: 1, ids: [first, first - 1, first + 1], distances: [0, 1, 1] }]);
    expect((await search('flat.index', ...args, '--json')).stdout).toBe(stdout);
  });

  it('writes ivecs', async () => {
    const { code } = await search('ivf.index', '-k', '5', '--probes', '4', '--output', file('found.ivecs'));
    expect(code).toBe(0);
    const found = await readIvecs(file('found.ivecs'));
    expect(found).toMatchObject({ count: 3, dimensions: 5 });
    for (const id of found.data) expect(Math.abs(id - 101)).toBeLessThan(20);
  });

  it("searches an index of a codec's codes", async () => {
    const { code, stdout, stderr } = await search('codes.index', '-k', '3', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { ids } of JSON.parse(stdout)) {
      expect(ids).toHaveLength(3);
      for (const id of ids) expect(Math.abs(id - 101)).toBeLessThan(20);
    }
  });

  it('writes fewer than k neighbours as they are', async () => {
    await writeFvecs(file('two.fvecs'), { dimensions, data: base.slice(0, 2 * dimensions) });
    const { stdout } = await search('two.fvecs', '-k', '5', '--count', '1', '--format', 'json');
    expect(JSON.parse(stdout)[0].ids).toEqual([1, 0]);
  });
});

describe('wavetile search fails with one line', () => {
  const fails = async (message: RegExp, run: Promise<{ code: number | null; stderr: string }>) => {
    const { code, stderr } = await run;
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  };

  it('for a missing file', () => fails(/absent\.index: no such file or folder/, search('absent.index')));

  it('for something that is no index', async () => {
    writeFileSync(file('text.index'), 'not an index, just text');
    await fails(/text\.index: byte 0: not an index file/, search('text.index'));
  });

  it('for a truncated index', async () => {
    writeFileSync(file('cut.index'), readFileSync(file('ivf.index')).subarray(0, 500));
    await fails(/truncated/, search('cut.index'));
  });

  it('for an index of a kind that it does not know', async () => {
    await writeIndexFile(file('cities.index'), { kind: 'cities', meta: {}, sections: [] });
    await fails(/cities\.index holds cities, expected an index: flat, /, search('cities.index'));
  });

  it('for a folder, which it names', () => fails(new RegExp(`'${folder}' is invalid.*a folder`), search('')));

  it('for queries of other dimensions', () =>
    fails(/4 dimensions.*of 8/, runCli('main', ['search', file('base.fvecs'), '-q', file('other.fvecs')])));

  it('for bad options', async () => {
    await fails(/whole number/, search('base.fvecs', '-k', 'ten'));
    await fails(/-k, --k <count>' argument '0' is invalid.*at least 1/, search('base.fvecs', '-k', '0'));
    await fails(/--format ivecs needs --output/, search('base.fvecs', '--format', 'ivecs'));
    await fails(/'--json' cannot be used with option '-f/, search('base.fvecs', '--json', '-f', 'tsv'));
    await fails(/32-bit ids/, search('flat.index', '--output', file('x.ivecs')));
    await fails(/--metric is for vector files/, search('flat.index', '--metric', 'l2'));
    await fails(/--device must be cpu, vulkan, metal, or/, search('base.fvecs', '--device', 'gpu'));
    await fails(/unknown option '--prbes'.*\n?.*--probes/, search('base.fvecs', '--prbes', '3'));
  });

  it('for lists to probe where there are none', async () => {
    await fails(/--probes is for IVF indexes, and .*base\.fvecs holds vectors/, search('base.fvecs', '-p', '4'));
    await fails(/--probes is for IVF indexes, and .*flat\.index holds flat/, search('flat.index', '-p', '4'));
  });

  it('for an output of no known format, unless it is told the format', async () => {
    await fails(/--output must end in \.tsv, \.json or \.ivecs/, search('base.fvecs', '-o', file('found.foo')));
    const { stdout } = await search('base.fvecs', '-k', '1');
    expect(await search('base.fvecs', '-k', '1', '-f', 'tsv', '-o', file('found.foo'))).toMatchObject({ code: 0 });
    expect(readFileSync(file('found.foo'), 'utf8')).toBe(stdout);
  });

  it('for an output that cannot be written, before it looks at the index', async () => {
    const output = join(folder, 'absent', 'found.tsv');
    await fails(/absent: no such file or folder\n$/, search('text.index', '-o', output));
    await fails(/no regular file/, search('text.index', '-o', folder));
  });

  it('and shows the stack with --debug', async () => {
    writeFileSync(file('text.index'), 'not an index, just text');
    const { stderr } = await search('text.index', '--debug');
    expect(stderr).toMatch(/^ComputeError: .*not an index file.*\n\s+at /m);
  });
});
