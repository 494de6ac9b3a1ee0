// `wavetile embed` by child process: JSON lines and vector files that other commands read, and how it fails.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readFvecs, readNpy } from '../../src/vector/formats/index.js';
import { type CliRun, EMBEDDER, runCli } from './run-cli.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-embed-'));
const file = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TEXTS = [
  'The cavalry charged across the field and the guns fired at them.',
  'And God said, Let there be light: and there was light.',
  'The princess danced at the ball with a young officer.',
];
const embed = (args: readonly string[], run?: CliRun) => runCli('main', ['embed', EMBEDDER, ...args], run);
const vectorsOf = (stdout: string): number[][] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).vector);
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);

describe('wavetile embed', () => {
  it('prints a line of JSON for each text, with vectors of length 1', async () => {
    const { code, stdout, stderr } = await embed(TEXTS);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^3 texts, \d+ tokens, 256 dimensions, in /);
    const vectors = vectorsOf(stdout);
    expect(
      stdout
        .split('\n')
        .slice(0, 3)
        .map((line) => JSON.parse(line).text),
    ).toEqual(TEXTS);
    for (const vector of vectors) {
      expect(vector).toHaveLength(256);
      expect(dot(vector, vector)).toBeCloseTo(1, 4);
    }
  });

  it('makes the vectors that training made, but for the rounding of the weights', async () => {
    const [vector] = vectorsOf((await embed(['a duel in the snow'])).stdout);
    const trained = [0.0363, -0.002, -0.1031, -0.039, -0.0928, 0.0753, 0.0554, 0.0506];
    for (const [i, value] of trained.entries()) expect(Math.abs(vector[i] - value)).toBeLessThan(0.005);
  });

  it('takes lines of a file or of its input, and leaves out empty ones', async () => {
    writeFileSync(file('texts.txt'), `${TEXTS.join('\r\n\r\n')}\r\n`);
    const expected = (await embed(TEXTS)).stdout;
    expect((await embed(['--file', file('texts.txt')])).stdout).toBe(expected);
    expect((await embed([], { input: TEXTS.join('\n') })).stdout).toBe(expected);
  });

  it('writes vector files that wavetile search reads', async () => {
    for (const name of ['base.fvecs', 'base.npy']) {
      const { code, stdout } = await embed([...TEXTS, '--output', file(name)]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    }
    const { data } = await readFvecs(file('base.fvecs'));
    expect((await readNpy(file('base.npy'))).data).toEqual(data);
    expect(await embed(['The soldiers and their horses galloped to the battery.', '-o', file('q.npy')])).toMatchObject({
      code: 0,
    });
    const search = ['search', file('base.fvecs'), '-q', file('q.npy'), '-k', '1', '--metric', 'cosine'];
    const found = await runCli('main', [...search, '--format', 'json']);
    expect(JSON.parse(found.stdout)[0].ids).toEqual([0]);
  });

  it('pools as it is told, and leaves lengths as they are', async () => {
    const [mean] = vectorsOf((await embed([TEXTS[0]])).stdout);
    const [last] = vectorsOf((await embed([TEXTS[0], '--pooling', 'last'])).stdout);
    expect(dot(mean, last)).toBeLessThan(0.99);
    const [long] = vectorsOf((await embed([TEXTS[0], '--no-normalize'])).stdout);
    expect(dot(long, mean) / Math.sqrt(dot(long, long))).toBeCloseTo(1, 4);
    expect(Math.abs(dot(long, long) - 1)).toBeGreaterThan(0.01);
  });

  it('prints the same lines with --json', async () => {
    expect((await embed([...TEXTS, '--json'])).stdout).toBe((await embed(TEXTS)).stdout);
  });

  it('says that an output cannot be written before it looks at the model', async () => {
    const args = ['embed', 'absent.gguf', 'text', '-o', join(folder, 'absent', 'x.npy')];
    const { code, stderr } = await runCli('main', args);
    expect(code).toBe(1);
    expect(stderr).toContain(`${join(folder, 'absent')}: no such file or folder\n`);
  });

  it('fails with one line', async () => {
    const fails = async (message: RegExp, args: readonly string[]) =>
      expect(await embed(args)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
    await fails(/there is no text/, []);
    await fails(/do not go together/, ['text', '--file', EMBEDDER]);
    await fails(/vectors\.bin' is invalid.* must end in \.fvecs or \.npy/, ['text', '--output', file('vectors.bin')]);
    await fails(/'--json' cannot be used with option '-o, --output/, ['text', '-o', file('vectors.npy'), '--json']);
    await fails(/a folder/, ['--file', folder]);
    const long = 'word '.repeat(100);
    await fails(/texts\[0\] must have at most 32 tokens/, [long, '--context', '32']);
    expect((await embed([long, '--context', '32', '--truncate'])).code).toBe(0);
  });
});
