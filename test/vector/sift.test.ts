// Recall and error on SIFT10K, held to what faiss reaches with the same parameters.
import { beforeAll, describe, expect, test } from 'vitest';
import { FlatIndex, IvfFlatIndex, IvfPqIndex, KMeans, ProductQuantizer } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { skipped } from '../support/skipped.js';
import { DIMENSIONS, nearestRecall, readSift, recall, row, SIFT_MISSING, type Sift, squaredDistance } from './sift.js';

describe.skipIf(SIFT_MISSING)(`on SIFT10K${skipped(SIFT_MISSING)}`, () => {
  let sift: Sift;
  beforeAll(async () => {
    sift = await readSift();
  });

  describeDevices('recall', (device, { backend }) => {
    /** The table of results, a line each. */
    const print = (what: string, value: number) => process.stdout.write(`${backend}: ${what}: ${value.toFixed(4)}\n`);

    test.each([1, 10, 100])('a flat index finds the true %i nearest, up to equal distances', async (k) => {
      using index = FlatIndex.create(device(), { dimensions: DIMENSIONS });
      await index.add(sift.base);
      const { ids, distances } = await index.search(sift.queries, { k });
      for (let q = 0; q < sift.queryCount; q++) {
        for (let i = 0; i < k; i++) {
          const exact = squaredDistance(row(sift.queries, q), row(sift.base, sift.truth[q * 100 + i]));
          expect(squaredDistance(row(sift.queries, q), row(sift.base, Number(ids[q * k + i])))).toBe(exact);
          expect(distances[q * k + i]).toBe(exact);
        }
      }
    });

    test('an IVF index of 64 exact lists reaches the recall of its probes', async () => {
      using index = await IvfFlatIndex.train(device(), sift.base, { dimensions: DIMENSIONS, lists: 64 });
      await index.add(sift.base);
      const floors = [
        [1, 0.55],
        [4, 0.89],
        [8, 0.965],
        [16, 0.995],
      ];
      for (const [probes, floor] of floors) {
        const { ids } = await index.search(sift.queries, { k: 10, probes });
        const reached = recall(ids, sift, 10);
        print(`IVF of 64 exact lists, ${probes} probes, recall@10`, reached);
        expect(reached, `${probes} probes`).toBeGreaterThanOrEqual(floor);
      }
      const { ids } = await index.search(sift.queries, { k: 10, probes: 64 });
      expect(recall(ids, sift, 10)).toBeGreaterThanOrEqual(0.999);
    });

    test('IVF-PQ with 64 lists, 8 probes: 16 bytes and 32 bytes a vector reach their recall', async () => {
      const options = { dimensions: DIMENSIONS, lists: 64 };
      using small = await IvfPqIndex.train(device(), sift.base, { ...options, subspaces: 16 });
      await small.add(sift.base);
      const found = await small.search(sift.queries, { k: 10, probes: 8 });
      print('IVF-PQ of 64 lists, 16 bytes, 8 probes, recall@10', recall(found.ids, sift, 10));
      print('the same, 1-recall@10', nearestRecall(found.ids, sift, 10));
      expect(recall(found.ids, sift, 10)).toBeGreaterThanOrEqual(0.73);
      expect(nearestRecall(found.ids, sift, 10)).toBeGreaterThanOrEqual(0.95);

      using large = await IvfPqIndex.train(device(), sift.base, { ...options, subspaces: 32 });
      await large.add(sift.base);
      const better = await large.search(sift.queries, { k: 10, probes: 8 });
      print('IVF-PQ of 64 lists, 32 bytes, 8 probes, recall@10', recall(better.ids, sift, 10));
      expect(recall(better.ids, sift, 10)).toBeGreaterThanOrEqual(0.82);
    });

    test('a product quantizer of 16 bytes has a relative squared error of at most 0.0385', async () => {
      using quantizer = await ProductQuantizer.train(device(), sift.base, { dimensions: DIMENSIONS, subspaces: 16 });
      const decoded = await quantizer.decode(await quantizer.encode(sift.base));
      const energy = sift.base.reduce((sum, x) => sum + x * x, 0);
      print('product quantizer of 16 bytes, relative squared error', squaredDistance(decoded, sift.base) / energy);
      expect(squaredDistance(decoded, sift.base) / energy).toBeLessThanOrEqual(0.0385);
    });

    test('k-means with 256 clusters reaches an objective of 5.42e8 in 25 iterations', async () => {
      const options = { dimensions: DIMENSIONS, clusters: 256, iterations: 25, tolerance: 0 };
      using kmeans = await KMeans.train(device(), sift.base, options);
      expect(kmeans.history).toHaveLength(25);
      const { distances } = await kmeans.assign(sift.base);
      expect(distances.reduce((sum, d) => sum + d, 0)).toBeLessThanOrEqual(5.42e8);
    });
  });
});
