// Inverted indexes: all lists probed is exact search, fewer are a part of it; codes and distances against float64.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FlatIndex, IvfFlatIndex, IvfPqIndex, type Metric, type Tensor } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { squaredDistance } from '../support/reference.js';
import { expectNearest, NO_ID } from './exact-search.js';
import { misplacedVectors, readSavedPqIndex, worstDistance } from './saved-pq-index.js';
import { row } from './sift.js';

const METRICS: readonly Metric[] = ['l2', 'inner-product', 'cosine'];
const DIMENSIONS = 12;
/** Vectors of the indexes whose every code is looked at. */
const COUNT = 500;

const folder = mkdtempSync(join(tmpdir(), 'wavetile-ivf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'saved.index');

const base = new Random(1).rows('clustered', 1500, DIMENSIONS);
const queries = new Random(2).rows('normal', 20, DIMENSIONS);

const CODES = [
  { dimensions: 12, subspaces: 4, bits: 8 },
  { dimensions: 12, subspaces: 3, bits: 4 },
  { dimensions: 10, subspaces: 5, bits: 4 },
  { dimensions: 9, subspaces: 3, bits: 8 },
  { dimensions: 40, subspaces: 40, bits: 4 },
  { dimensions: 20, subspaces: 20, bits: 8 },
] as const;

describeDevices('an inverted index', (device) => {
  describe.each(METRICS)('with metric %s', (metric) => {
    test('of exact vectors finds with all its lists what a flat index finds', async () => {
      using index = await IvfFlatIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 20, metric });
      await index.add(base.subarray(0, 700 * DIMENSIONS));
      await index.add(base.subarray(700 * DIMENSIONS));
      using flat = FlatIndex.create(device(), { dimensions: DIMENSIONS, metric });
      await flat.add(base);
      for (const k of [1, 10, 300, 2048]) {
        const result = await index.search(queries, { k, probes: 20 });
        expectNearest(result, queries, { base, dimensions: DIMENSIONS, metric });
        expect(result.distances).toEqual((await flat.search(queries, { k })).distances);
      }
    });

    test('finds more of the nearest the more lists it probes', async () => {
      using index = await IvfFlatIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 30, metric });
      await index.add(base);
      const { ids: truth } = await index.search(queries, { k: 10, probes: 30 });
      const recall = async (probes: number) => {
        const { ids } = await index.search(queries, { k: 10, probes });
        const near = Array.from({ length: 20 }, (_, q) => new Set<unknown>(truth.subarray(q * 10, q * 10 + 10)));
        return [...ids].filter((id, i) => near[Math.floor(i / 10)].has(id)).length;
      };
      const found: number[] = [];
      for (const probes of [1, 4, 12, 30]) found.push(await recall(probes));
      expect(found).toEqual(found.slice().sort((a, b) => a - b));
      expect(found[0]).toBeGreaterThan(20);
      expect(found[0]).toBeLessThan(200);
      expect(found[3]).toBe(200);
    });

    test.each(CODES)('stores nearest codewords and gives the distances to what they stand for: %o', async (shape) => {
      const { dimensions } = shape;
      const vectors = new Random(3).rows('clustered', COUNT, dimensions);
      using index = await IvfPqIndex.train(device(), vectors, { ...shape, lists: 7, metric, iterations: 6 });
      expect(index.codeBytes).toBe(Math.ceil((shape.subspaces * shape.bits) / 8));
      await index.add(vectors);
      await index.save(path);
      const saved = await readSavedPqIndex(path);
      expect(saved.vectors.size).toBe(COUNT);
      expect(misplacedVectors(saved, vectors)).toEqual([]);

      const asked = new Random(4).rows('normal', 6, dimensions);
      const { ids, distances } = await index.search(asked, { k: COUNT, probes: 7 });
      for (let q = 0; q < 6; q++) {
        const found = { ids: ids.subarray(q * COUNT, (q + 1) * COUNT), distances: row(distances, q, COUNT) };
        expect(new Set<unknown>(found.ids).size).toBe(COUNT);
        expect(worstDistance(saved, row(asked, q, dimensions), found)).toBeLessThan(1e-5);
        const sorted = found.distances.slice().sort();
        expect(found.distances).toEqual(metric === 'l2' ? sorted : sorted.reverse());
      }
    });
  });

  test('with few probes is the best of the lists nearest to the query', async () => {
    using index = await IvfPqIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 25, subspaces: 4 });
    await index.add(base);
    await index.save(path);
    const { vectors, centroids } = await readSavedPqIndex(path);
    const { ids } = await index.search(queries, { k: 500, probes: 3 });
    for (let q = 0; q < 20; q++) {
      const query = row(queries, q, DIMENSIONS);
      const lists = Array.from({ length: 25 }, (_, l) => l).sort(
        (a, b) =>
          squaredDistance(query, row(centroids, a, DIMENSIONS)) - squaredDistance(query, row(centroids, b, DIMENSIONS)),
      );
      const members = [...vectors].filter(([, { list }]) => lists.slice(0, 3).includes(list)).map(([id]) => id);
      const found = [...ids.subarray(q * 500, q * 500 + 500)].map(Number);
      const expected = members.length <= 500 ? members : found; // else any 500 of them
      expect(found.filter((id) => id !== NO_ID).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
      expect(found.filter((id) => id !== NO_ID).every((id) => members.includes(id))).toBe(true);
    }
  });

  test('more probes than lists means all of them', async () => {
    using index = await IvfFlatIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 9 });
    await index.add(base);
    const all = await index.search(queries, { probes: 9 });
    expect(await index.search(queries, { probes: 10 })).toEqual(all);
    expect(await index.search(queries, { probes: 2 ** 40 })).toEqual(all);
  });

  test('one list, and lists that stay empty, are fine', async () => {
    using single = await IvfFlatIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 1 });
    await single.add(base);
    expectNearest(await single.search(queries), queries, { base, dimensions: DIMENSIONS, metric: 'l2' });
    using sparse = await IvfFlatIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 200 });
    const few = base.subarray(0, 50 * DIMENSIONS);
    await sparse.add(few);
    const result = await sparse.search(queries, { k: 60, probes: 200 });
    expectNearest(result, queries, { base: few, dimensions: DIMENSIONS, metric: 'l2' });
    expect(sparse.stats()).toMatchObject({ count: 50, lists: { count: 200, smallest: 0, mean: 0.25 } });
  });

  test('a tensor is trained on, added and searched for as an array is', async () => {
    using vectors = await device().tensorFrom(base);
    using asked = await device().tensorFrom(queries);
    const options = { dimensions: DIMENSIONS, lists: 8, subspaces: 4, bits: 4 } as const;
    using fromTensor = await IvfPqIndex.train(device(), vectors, options);
    using fromArray = await IvfPqIndex.train(device(), base, options);
    await Promise.all([fromTensor.add(vectors), fromArray.add(base)]);
    expect(await fromTensor.search(asked)).toEqual(await fromArray.search(queries));
  });

  test('of a tensor the same vectors are drawn for training as of an array', async () => {
    // More than 256 for each list, and more than are read from a tensor at a time.
    const [count, dimensions] = [36_000, 128];
    const vectors = new Random(7).rows('normal', count, dimensions);
    using tensor = await device().tensorFrom(vectors, [count, dimensions]);
    const centroids = async (input: Float32Array | Tensor) => {
      using index = await IvfFlatIndex.train(device(), input, { dimensions, lists: 2 });
      await index.save(path);
      return readFileSync(path);
    };
    expect((await centroids(tensor)).equals(await centroids(vectors))).toBe(true);
  });

  test('the same seed gives the same index, whatever the number of adds', async () => {
    const results = [1, 3].map(async (adds) => {
      const options = { dimensions: DIMENSIONS, lists: 8, subspaces: 4, seed: 5 };
      using index = await IvfPqIndex.train(device(), base, options);
      for (let i = 0; i < adds; i++)
        await index.add(base.subarray((i * base.length) / adds, ((i + 1) * base.length) / adds));
      return await index.search(queries, { k: 100 });
    });
    expect(await results[0]).toEqual(await results[1]);
  });

  test('before anything is added, searches find nothing', async () => {
    using index = await IvfPqIndex.train(device(), base, { dimensions: DIMENSIONS, lists: 8, subspaces: 4 });
    const { ids, distances } = await index.search(queries, { k: 2 });
    expect(ids).toEqual(new Uint32Array(40).fill(NO_ID));
    expect(distances).toEqual(new Float32Array(40).fill(Infinity));
  });
});
