// Indexes to files and back, between devices; no cut, damaged or foreign file is ever loaded.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Ids, IvfPqIndex, type Metric } from '../../src/index.js';
import { openIndexFile, type SectionArray, writeIndexFile } from '../../src/vector/index-file.js';
import { describeDevices, testDevices } from '../support/devices.js';
import {
  type AnyIndex,
  DIMENSIONS,
  FLAT,
  INDEX_KINDS,
  type IndexKind,
  IVF_FLAT,
  IVF_PQ,
  slice,
  vectorsOf,
} from './index-kinds.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-saved-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'saved.index');
const otherPath = join(folder, 'other.index');

const vectors = vectorsOf(500, 1);
const queries = vectorsOf(12, 2);
const invalidFile = expect.objectContaining({ code: 'INVALID_FILE' });

const IDS: readonly (readonly [string, (first: number, end: number) => Ids | undefined])[] = [
  ['automatic ids', () => undefined],
  ['32-bit ids', (first, end) => Uint32Array.from({ length: end - first }, (_, i) => 5 * (first + i) + 2)],
  [
    '64-bit ids',
    (first, end) => BigInt64Array.from({ length: end - first }, (_, i) => -(2n ** 40n) * BigInt(first + i) - 9n),
  ],
];

const addWith = (
  index: AnyIndex,
  idsOf: (first: number, end: number) => Ids | undefined,
  first: number,
  end: number,
) => {
  const ids = idsOf(first, end);
  return index.add(slice(vectors, first, end), ids ? { ids } : {});
};

describeDevices('a saved index', (device, backend) => {
  describe.each(INDEX_KINDS)('of kind $name', (kind) => {
    test.each(IDS)('with %s finds the same after loading, and goes on growing', async (_, idsOf) => {
      using index = await kind.create(device(), vectors);
      await addWith(index, idsOf, 0, 300);
      await index.save(path);
      using loaded = await kind.load(device(), path);
      expect(loaded.count).toBe(300);
      expect(loaded.stats()).toEqual(index.stats());
      expect(await loaded.search(queries, { k: 310 })).toEqual(await index.search(queries, { k: 310 }));
      await Promise.all([addWith(index, idsOf, 300, 500), addWith(loaded, idsOf, 300, 500)]);
      expect(await loaded.search(queries, { k: 50 })).toEqual(await index.search(queries, { k: 50 }));
      const known = idsOf(250, 251);
      if (known === undefined) return;
      await expect(loaded.add(slice(vectors, 0, 1), { ids: known })).rejects.toThrow(/must not repeat/);
      expect(() => loaded.add(slice(vectors, 0, 1))).toThrow(/as in earlier calls, got undefined/);
    });

    test.each(['l2', 'inner-product', 'cosine'] as Metric[])('keeps metric %s', async (metric) => {
      using index = await kind.create(device(), vectors, { metric });
      await index.add(vectors);
      await index.save(path);
      using loaded = await kind.load(device(), path);
      expect(loaded.metric).toBe(metric);
      expect(loaded.dimensions).toBe(DIMENSIONS);
      expect(await loaded.search(queries)).toEqual(await index.search(queries));
    });

    test('that is empty loads as an empty one', async () => {
      using index = await kind.create(device(), vectors);
      await index.save(path);
      using loaded = await kind.load(device(), path);
      expect(loaded.count).toBe(0);
      expect((await loaded.search(queries, { k: 1 })).ids).toEqual(new Uint32Array(12).fill(0xffffffff));
      await Promise.all([index.add(vectors), loaded.add(vectors)]);
      expect(await loaded.search(queries)).toEqual(await index.search(queries));
    });

    test('has the same bytes for the same content', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      await index.save(path);
      await index.save(otherPath);
      expect(readFileSync(otherPath).equals(readFileSync(path))).toBe(true);
      using loaded = await kind.load(device(), path);
      await loaded.save(otherPath);
      expect(readFileSync(otherPath).equals(readFileSync(path))).toBe(true);
    });

    test('can be searched on every other device', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors, { ids: Uint32Array.from({ length: 500 }, (_, i) => 1000 - i) });
      await index.save(path);
      const { ids, distances } = await index.search(queries, { k: 5 });
      for (const other of testDevices) {
        if (other.missing !== undefined) continue;
        using elsewhere = await other.open();
        using loaded = await kind.load(elsewhere, path);
        const found = await loaded.search(queries, { k: 5 });
        expect(found.ids).toEqual(ids);
        for (const [i, distance] of found.distances.entries()) expect(distance).toBeCloseTo(distances[i], 4);
        await loaded.save(otherPath);
        expect(readFileSync(otherPath).equals(readFileSync(path))).toBe(true);
      }
    });

    test('that is cut or has a flipped byte is refused', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 60));
      await index.save(path);
      const bytes = readFileSync(path);
      const damaged = async (content: Uint8Array, what: string) => {
        writeFileSync(otherPath, content);
        const loading = kind.load(device(), otherPath).then((loaded) => loaded[Symbol.dispose]());
        await expect(loading, what).rejects.toEqual(invalidFile);
      };
      for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 97) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] ^= 1 << (at % 8);
        await damaged(flipped, `byte ${at} flipped`);
      }
      for (let at = 0; at < bytes.length; at += 97) await damaged(bytes.subarray(0, at), `cut at ${at}`);
      await damaged(bytes.subarray(0, -1), 'last byte missing');
      await damaged(Buffer.concat([bytes, Buffer.of(0)]), 'a byte more');
    });

    test('of another kind, or no index at all, is refused', async () => {
      const [other] = INDEX_KINDS.filter(({ name }) => name !== kind.name) as [IndexKind];
      using index = await other.create(device(), vectors);
      await index.save(path);
      await expect(kind.load(device(), path)).rejects.toMatchObject({
        code: 'INVALID_FILE',
        message: expect.stringMatching(/expected an index of kind '[a-z-]+', got '[a-z-]+'/),
      });
      writeFileSync(path, 'A text about vectors, and nothing else.');
      await expect(kind.load(device(), path)).rejects.toEqual(invalidFile);
      writeFileSync(path, '');
      await expect(kind.load(device(), path)).rejects.toEqual(invalidFile);
      await expect(kind.load(device(), join(folder, 'missing.index'))).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(kind.load(device(), folder)).rejects.toThrow();
    });

    test('is as it was when writing another one in its place is aborted or fails', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 100));
      await index.save(path);
      const before = readFileSync(path);
      await index.add(slice(vectors, 100, 500));
      const controller = new AbortController();
      const saving = index.save(path, { signal: controller.signal });
      controller.abort(new Error('enough'));
      await expect(saving).rejects.toThrow('enough');
      expect(readFileSync(path).equals(before)).toBe(true);
      await expect(index.save(path, { signal: AbortSignal.abort(new Error('never began')) })).rejects.toThrow(
        'never began',
      );
      await expect(index.save(join(folder, 'no such folder', 'an.index'))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      await index.save(path);
      using loaded = await kind.load(device(), path);
      expect(loaded.count).toBe(500);
      await expect(kind.load(device(), path, { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    });

    test('holds what was there when it was saved, and not what was added since', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 50));
      const saving = index.save(path);
      const adding = index.add(slice(vectors, 50, 500));
      await Promise.all([saving, adding]);
      using loaded = await kind.load(device(), path);
      expect(loaded.count).toBe(50);
      expect(index.count).toBe(500);
    });

    test('larger than memory is refused, and nothing of it stays', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectorsOf(8000, 3));
      await index.save(path);
      for (const kibibytes of [1, 4, 16, 64]) {
        using small = await backend.open({ memoryLimitBytes: kibibytes << 10 });
        await expect(kind.load(small, path)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
        expect(small.memory().liveBytes, `${kibibytes} KiB`).toBe(0);
      }
    });

    test('is saved and loaded with the right arguments only', async () => {
      using index = await kind.create(device(), vectors);
      const load = kind.load as (...args: unknown[]) => unknown;
      const save = index.save.bind(index) as (...args: unknown[]) => unknown;
      expect(() => save()).toThrow(/save: path must be a non-empty string, got undefined/);
      expect(() => save(path, { sginal: 1 })).toThrow(/save: unknown option 'sginal', did you mean 'signal'/);
      expect(() => save(path, { signal: 1 })).toThrow(/save: signal must be an AbortSignal/);
      expect(() => load(device(), '')).toThrow(/load: path must be a non-empty string/);
      expect(() => load({}, path)).toThrow(/load: device must be a Device/);
      expect(() => load(device(), path, { signal: 1 })).toThrow(/load: signal must be an AbortSignal/);
    });
  });

  describe('with sound checksums and senseless content is refused', () => {
    /** Copies a file with its header's facts or one of its sections replaced. */
    async function rewrite(from: string, to: string, meta: object | null, replaced: Record<string, SectionArray> = {}) {
      const file = await openIndexFile(from);
      const sections = [];
      for (const { name } of file.sections) sections.push({ name, data: replaced[name] ?? (await file.read(name)) });
      await file.close();
      const content = { kind: file.kind, meta: meta && { ...(file.meta as object), ...meta }, sections };
      await writeIndexFile(to, content);
    }

    const refuses = async (kind: IndexKind, meta: object | null, replaced: Record<string, SectionArray> = {}) => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 40), { ids: Uint32Array.from({ length: 40 }, (_, i) => i) });
      await index.save(path);
      await rewrite(path, otherPath, meta, replaced);
      await expect(kind.load(device(), otherPath), `${kind.name} ${JSON.stringify(meta)}`).rejects.toEqual(invalidFile);
    };

    test.each([
      null,
      { dimensions: 0 },
      { dimensions: 20 },
      { dimensions: 2 ** 40 },
      { dimensions: '16' },
      { metric: 'l1' },
      { ids: 'words' },
      { ids: 'bigint64' },
      { ids: 'none' },
      { nextId: -1 },
      { nextId: 'seven' },
    ])('header %o', async (meta) => {
      for (const kind of INDEX_KINDS) await refuses(kind, meta);
    });

    test.each<Record<string, SectionArray>>([
      { listRows: Float32Array.of(40) },
      { listRows: Uint32Array.of(200) },
      { listRows: Uint32Array.of(20, 20) },
      { listRows: new Uint32Array(8) },
      { listRows: new Uint32Array(0) },
      { groups: Uint32Array.of(0, 0) },
      { groups: Uint32Array.of(0, 7) },
      { groups: new Float32Array(2) },
      { ids: new Uint32Array(3) },
      { ids: new Float32Array(64) },
      { storage: new Uint32Array(5) },
    ])('section %o', async (replaced) => {
      for (const kind of INDEX_KINDS) await refuses(kind, {}, replaced);
    });

    test('centroids and codebooks', async () => {
      await refuses(IVF_FLAT, { lists: 9 });
      await refuses(IVF_FLAT, { lists: 0 });
      await refuses(IVF_FLAT, {}, { centroids: new Float32Array(8 * DIMENSIONS).fill(Number.NaN) });
      await refuses(IVF_PQ, { bits: 6 });
      await refuses(IVF_PQ, { bits: 8 });
      await refuses(IVF_PQ, { subspaces: 3 });
      await refuses(IVF_PQ, {}, { codebooks: new Float32Array(7) });
      await refuses(IVF_PQ, {}, { centroids: new Uint32Array(8 * DIMENSIONS) });
      await refuses(FLAT, {}, { storage: new Uint32Array(64 * DIMENSIONS + 4) });
    });
  });

  test('of 8-bit codes and several storage slices comes back', async () => {
    using index = await IvfPqIndex.train(device(), vectors, {
      dimensions: DIMENSIONS,
      lists: 5,
      subspaces: 16,
      iterations: 2,
    });
    await index.add(vectors);
    await index.save(path);
    using loaded = await IvfPqIndex.load(device(), path);
    expect(loaded.codeBytes).toBe(16);
    expect(await loaded.search(queries)).toEqual(await index.search(queries));
  });
});
