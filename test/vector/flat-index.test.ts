// Exact search against brute force in float64: every metric, k, number of queries, and way of filling the index.
import { describe, expect, test } from 'vitest';
import { FlatIndex, type Metric } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { expectNearest, NO_ID } from './exact-search.js';

const METRICS: readonly Metric[] = ['l2', 'inner-product', 'cosine'];

describeDevices('a flat index', (device) => {
  describe.each(METRICS)('with metric %s', (metric) => {
    test.each([1, 3, 128, 130])('finds the nearest vectors of %i dimensions', async (dimensions) => {
      const random = new Random(dimensions);
      const base = random.rows('normal', 700, dimensions);
      const queries = random.rows('normal', 5, dimensions);
      using index = FlatIndex.create(device(), { dimensions, metric });
      await index.add(base);
      expectNearest(await index.search(queries), queries, { base, dimensions, metric });
    });

    test.each([1, 2, 33, 130, 1500])('answers %i queries at once', async (count) => {
      const random = new Random(count);
      const base = random.rows('clustered', 500, 16);
      const queries = random.rows('normal', count, 16);
      using index = FlatIndex.create(device(), { dimensions: 16, metric });
      await index.add(base);
      expectNearest(await index.search(queries, { k: 3 }), queries, { base, dimensions: 16, metric });
    });

    test('gives any k from 1 to 2048, and fill values where there are fewer vectors', async () => {
      const random = new Random(2);
      const base = random.rows('normal', 2000, 6);
      const queries = random.rows('normal', 3, 6);
      using index = FlatIndex.create(device(), { dimensions: 6, metric });
      await index.add(base);
      for (const k of [1, 2, 31, 128, 129, 1023, 2000, 2001, 2048])
        expectNearest(await index.search(queries, { k }), queries, { base, dimensions: 6, metric });
    });

    test('finds nothing while it is empty', async () => {
      using index = FlatIndex.create(device(), { dimensions: 2, metric });
      const { ids, distances } = await index.search(Float32Array.of(1, 2, 3, 4), { k: 3 });
      expect(ids).toEqual(new Uint32Array(6).fill(NO_ID));
      expect(distances).toEqual(new Float32Array(6).fill(metric === 'l2' ? Infinity : -Infinity));
    });
  });

  test('equal distances go to the lower id, wherever the vectors lie', async () => {
    const random = new Random(3);
    const base = random.rows('integer', 1000, 4); // 81 different vectors
    const queries = random.rows('integer', 40, 4);
    using index = FlatIndex.create(device(), { dimensions: 4 });
    await index.add(base);
    const distance = (q: number, i: number) =>
      [0, 1, 2, 3].reduce((sum, d) => sum + (queries[q * 4 + d] - base[i * 4 + d]) ** 2, 0);
    for (const k of [1, 5, 100, 1000]) {
      const { ids } = await index.search(queries, { k });
      for (let q = 0; q < 40; q++) {
        const expected = Array.from({ length: 1000 }, (_, i) => i).sort(
          (a, b) => distance(q, a) - distance(q, b) || a - b,
        );
        expect([...ids.subarray(q * k, (q + 1) * k)]).toEqual(expected.slice(0, k));
      }
    }
  });

  test('distances are exact for vectors far from the origin', async () => {
    const random = new Random(4);
    const base = random.rows('uniform', 1000, 24).map((x) => 1e4 + x);
    const queries = random.rows('uniform', 150, 24).map((x) => 1e4 + x);
    using index = FlatIndex.create(device(), { dimensions: 24 });
    await index.add(base);
    for (const count of [1, 20, 150]) {
      const some = queries.subarray(0, count * 24);
      expectNearest(await index.search(some, { k: 20 }), some, { base, dimensions: 24, metric: 'l2' });
    }
  });

  test('a stored vector is at distance 0 from itself', async () => {
    const base = new Random(5).rows('offset', 300, 10);
    using index = FlatIndex.create(device(), { dimensions: 10 });
    await index.add(base);
    const { ids, distances } = await index.search(base, { k: 1 });
    expect(ids).toEqual(Uint32Array.from({ length: 300 }, (_, i) => i));
    expect(distances).toEqual(new Float32Array(300));
  });

  test('a zero vector has cosine similarity 0 to all', async () => {
    using index = FlatIndex.create(device(), { dimensions: 2, metric: 'cosine' });
    await index.add(Float32Array.of(0, 0, 3, 4, -3, -4));
    const { ids, distances } = await index.search(Float32Array.of(0, 0, 30, 40), { k: 3 });
    expect([...distances.subarray(0, 3)]).toEqual([0, 0, 0].map((zero) => expect.closeTo(zero, 6)));
    expect([...ids.subarray(3)]).toEqual([1, 0, 2]);
    expect([...distances.subarray(3)]).toEqual([1, 0, -1].map((x) => expect.closeTo(x, 6)));
  });

  test('many small adds give what one large add gives', async () => {
    const base = new Random(6).rows('normal', 700, 9);
    const queries = new Random(7).rows('normal', 20, 9);
    using whole = FlatIndex.create(device(), { dimensions: 9 });
    await whole.add(base);
    using grown = FlatIndex.create(device(), { dimensions: 9 });
    let done = 0;
    for (const count of [1, 30, 1, 1, 95, 1, 128, 256, 187]) {
      await grown.add(base.subarray(done * 9, (done + count) * 9));
      done += count;
      expect(grown.count).toBe(done);
      const seen = base.subarray(0, done * 9);
      expectNearest(await grown.search(queries, { k: 5 }), queries, { base: seen, dimensions: 9, metric: 'l2' });
    }
    expect(done).toBe(700);
    expect(await grown.search(queries, { k: 50 })).toEqual(await whole.search(queries, { k: 50 }));
  });

  test('tensors are added and searched for as arrays are', async () => {
    const base = new Random(8).rows('normal', 400, 7);
    const queries = new Random(9).rows('normal', 6, 7);
    using baseTensor = await device().tensorFrom(base, [400, 7]);
    using queryTensor = await device().tensorFrom(queries);
    using index = FlatIndex.create(device(), { dimensions: 7 });
    await index.add(baseTensor);
    expectNearest(await index.search(queryTensor), queries, { base, dimensions: 7, metric: 'l2' });
    expect(await index.search(queryTensor)).toEqual(await index.search(queries));
  });

  test('queries in a tensor are those that it has at the call, written to and disposed of as it may be afterwards', async () => {
    const base = new Random(8).rows('normal', 400, 7);
    using index = FlatIndex.create(device(), { dimensions: 7 });
    await index.add(base);
    const queries = await device().tensorFrom(base.slice(0, 7));
    const found = Array.from({ length: 5 }, () => index.search(queries, { k: 1 }));
    const written = queries.write(base.slice(7, 14));
    queries.dispose();
    for (const { ids } of await Promise.all(found)) expect(ids).toEqual(new Uint32Array([0]));
    await written;
  });

  test('stats tell count, shape and the bytes of the vectors', async () => {
    using index = FlatIndex.create(device(), { dimensions: 8, metric: 'cosine' });
    expect(index.stats()).toMatchObject({ count: 0, storageBytes: 0 });
    await index.add(new Random(10).rows('normal', 300, 8));
    expect(index.stats()).toMatchObject({ count: 300, dimensions: 8, metric: 'cosine' });
    expect(index.stats().storageBytes).toBeGreaterThanOrEqual(300 * 32);
    expect(index.stats().lists).toEqual({ count: 3, smallest: 44, largest: 128, mean: 100 });
  });
});
