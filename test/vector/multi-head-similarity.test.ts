import { describe, expect, test } from 'vitest';
import {
  MultiHeadSimilarity,
  type MultiHeadSimilarityOptions,
  multiHeadSimilarity,
} from '../../src/vector/multi-head-similarity.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { dot } from '../support/reference.js';

interface Shape {
  dimensions: number;
  heads: number;
  headDimensions: number;
}

function model({ dimensions, heads, headDimensions }: Shape, more: Partial<MultiHeadSimilarityOptions> = {}) {
  const random = new Random(heads * 7 + dimensions);
  const weights = () => random.rows('normal', heads * headDimensions, dimensions).map((w) => w / Math.sqrt(dimensions));
  return { dimensions, heads, queryWeights: weights(), keyWeights: weights(), ...more };
}

/** The definition, pair by pair in float64. */
function scoresOf(queries: Float32Array, keys: Float32Array, options: MultiHeadSimilarityOptions): Float64Array {
  const { dimensions, heads, queryWeights, keyWeights, normalize = false } = options;
  const size = queryWeights.length / heads / dimensions;
  const temperature = options.temperature ?? (normalize ? 1 : Math.sqrt(size));
  const project = (rows: Float32Array, weights: Float32Array) =>
    Array.from({ length: rows.length / dimensions }, (_, r) =>
      Array.from({ length: heads }, (_, h) => {
        const row = rows.subarray(r * dimensions, (r + 1) * dimensions);
        const at = (d: number) => (h * size + d) * dimensions;
        const head = Float64Array.from({ length: size }, (_, d) =>
          dot(row, weights.subarray(at(d), at(d) + dimensions)),
        );
        return normalize ? head.map((value) => value / (Math.hypot(...head) || 1)) : head;
      }),
    );
  const [left, right] = [project(queries, queryWeights), project(keys, keyWeights)];
  return Float64Array.from({ length: left.length * right.length }, (_, i) => {
    const [query, key] = [left[Math.floor(i / right.length)], right[i % right.length]];
    return query.reduce((sum, head, h) => sum + dot(head, key[h]), 0) / heads / temperature;
  });
}

function expectClose(actual: Float32Array, expected: Float64Array): void {
  expect(actual.length).toBe(expected.length);
  let [error, size] = [0, 0];
  for (const [i, value] of expected.entries()) {
    error += (actual[i] - value) ** 2;
    size += value ** 2;
  }
  expect(error / size).toBeLessThan(1e-10);
}

const SMALL = { dimensions: 20, heads: 3, headDimensions: 8 };

describeDevices('multi-head similarity', (device) => {
  describe.each([
    SMALL,
    { dimensions: 7, heads: 1, headDimensions: 1 },
    { dimensions: 33, heads: 5, headDimensions: 6 },
    { dimensions: 128, heads: 4, headDimensions: 32 },
  ])('%o', (shape) => {
    const random = new Random(9);
    const queries = random.rows('normal', 37, shape.dimensions);
    const keys = random.rows('normal', 101, shape.dimensions);

    test.each([{}, { temperature: 0.25 }, { normalize: true }, { normalize: true, temperature: 0.05 }])(
      'with %o',
      async (more) => {
        const options = model(shape, more);
        expectClose(await multiHeadSimilarity(device(), queries, keys, options), scoresOf(queries, keys, options));
      },
    );
  });

  test('the best keys are those of the scores, best first', async () => {
    const random = new Random(10);
    const [queries, keys] = [random.rows('normal', 9, 20), random.rows('normal', 300, 20)];
    const options = model(SMALL, { normalize: true });
    const scores = await multiHeadSimilarity(device(), queries, keys, options);
    const top = await multiHeadSimilarity(device(), queries, keys, { ...options, topK: 12 });
    expect(top).toMatchObject({ count: 9, k: 12 });
    for (let q = 0; q < 9; q++) {
      const row = scores.subarray(q * 300, (q + 1) * 300);
      const order = Array.from(row.keys()).sort((a, b) => row[b] - row[a] || a - b);
      expect(Array.from(top.ids.subarray(q * 12, (q + 1) * 12))).toEqual(order.slice(0, 12));
      expect(top.scores.subarray(q * 12, (q + 1) * 12)).toEqual(Float32Array.from(order.slice(0, 12), (i) => row[i]));
    }
  });

  test('fewer keys than asked for leave ids and scores empty', async () => {
    const random = new Random(11);
    const top = await multiHeadSimilarity(device(), random.rows('normal', 1, 20), random.rows('normal', 2, 20), {
      ...model(SMALL),
      topK: 4,
    });
    expect(Array.from(top.ids.subarray(2))).toEqual([0xffffffff, 0xffffffff]);
    expect(Array.from(top.scores.subarray(2))).toEqual([-Infinity, -Infinity]);
  });

  test('a zero vector scores 0 when heads are normalised', async () => {
    const scores = await multiHeadSimilarity(
      device(),
      new Float32Array(20),
      new Random(12).rows('normal', 3, 20),
      model(SMALL, { normalize: true }),
    );
    expect(Array.from(scores)).toEqual([0, 0, 0]);
  });

  test('kept keys, keys for one call and tensors give the same scores', async () => {
    const random = new Random(13);
    const [queries, keys] = [random.rows('normal', 50, 20), random.rows('normal', 90, 20)];
    using similarity = await MultiHeadSimilarity.create(device(), model(SMALL, { normalize: true }));
    const expected = await similarity.score(queries, { keys });
    expect(() => similarity.score(queries)).toThrow(/keys must be given, or set before/);
    await similarity.setKeys(keys);
    expect(similarity.keyCount).toBe(90);
    expect(await similarity.score(queries)).toEqual(expected);
    using queryTensor = await device().tensorFrom(queries);
    using keyTensor = await device().tensorFrom(keys);
    expect(await similarity.score(queryTensor, { keys: keyTensor })).toEqual(expected);
    await similarity.setKeys(keyTensor);
    expect(await similarity.score(queryTensor)).toEqual(expected);
  });

  test('keys may be replaced while calls are on their way', async () => {
    const random = new Random(14);
    const queries = random.rows('normal', 5, 20);
    const sets = [random.rows('normal', 40, 20), random.rows('normal', 40, 20)] as const;
    using similarity = await MultiHeadSimilarity.create(device(), model(SMALL, { normalize: true }));
    const expected = await Promise.all(sets.map((keys) => similarity.score(queries, { keys })));
    await similarity.setKeys(sets[0]);
    const running = [similarity.score(queries), similarity.topK(queries), similarity.score(queries)];
    await similarity.setKeys(sets[1]);
    expect(await running[0]).toEqual(expected[0]);
    expect(await running[2]).toEqual(expected[0]);
    expect(await similarity.score(queries)).toEqual(expected[1]);
    await running[1];
  });

  test('a small device takes queries and keys in parts', async () => {
    const random = new Random(15);
    const [queries, keys] = [random.rows('normal', 300, 20), random.rows('normal', 500, 20)];
    const options = model(SMALL);
    const expected = scoresOf(queries, keys, options);
    const { Device } = await import('../../src/index.js');
    using small = await Device.open({ backend: device().info.backend, memoryLimitBytes: 1 << 20 });
    expectClose(await multiHeadSimilarity(small, queries, keys, options), expected);
    queries[270 * 20] = Number.NaN;
    await expect(multiHeadSimilarity(small, queries, keys, options)).rejects.toThrow(/queries: vector 270 has/);
  });

  test('warm calls allocate nothing', async () => {
    const random = new Random(16);
    const [queries, keys] = [random.rows('normal', 8, 20), random.rows('normal', 64, 20)];
    using similarity = await MultiHeadSimilarity.create(device(), model(SMALL));
    for (let i = 0; i < 3; i++) await similarity.topK(queries, { keys, k: 5 });
    const before = device().memory().allocations;
    for (let i = 0; i < 5; i++) await similarity.topK(queries, { keys, k: 5 });
    expect(device().memory().allocations).toBe(before);
  });

  describe('bad input', () => {
    const random = new Random(17);
    const [queries, keys] = [random.rows('normal', 40, 20), random.rows('normal', 70, 20)];
    const options = model(SMALL);
    const { queryWeights, keyWeights } = options;

    test.each([Number.NaN, Infinity, -Infinity, 3e38])('%d among the numbers names side and vector', async (bad) => {
      using similarity = await MultiHeadSimilarity.create(device(), options);
      const spoil = (rows: Float32Array, vector: number) =>
        rows.map((value, i) => (i === vector * 20 + 3 ? bad : value));
      await expect(similarity.score(spoil(queries, 33), { keys })).rejects.toThrow(
        /queries: vector 33 has a number that is NaN/,
      );
      await expect(similarity.topK(queries, { keys: spoil(keys, 69) })).rejects.toThrow(/keys: vector 69 has a number/);
      await similarity.setKeys(keys);
      const before = await similarity.score(queries);
      await expect(similarity.setKeys(spoil(keys, 5))).rejects.toBeInstanceOf(RangeError);
      expect(await similarity.score(queries)).toEqual(before);
    });

    test.each([
      [{ ...options, dimensions: 0 }, /dimensions must be/],
      [{ ...options, heads: 0 }, /heads must be/],
      [{ ...options, heads: 5 }, /queryWeights must hold the same number of rows/],
      [{ ...options, queryWeights: new Float32Array(0) }, /queryWeights must hold/],
      [{ ...options, keyWeights: keyWeights.subarray(0, 60) }, /keyWeights must have 480 numbers as queryWeights has/],
      [
        { ...options, queryWeights: queryWeights.with(7, Number.NaN) },
        /queryWeights\[7\] must be a finite number, got NaN/,
      ],
      [{ ...options, keyWeights: [1] }, /keyWeights must be a Float32Array/],
      [{ ...options, temperature: 0 }, /temperature must be/],
      [{ ...options, temperature: Number.NaN }, /temperature must be/],
      [{ ...options, normalize: 1 }, /normalize must be true or false/],
      [{ ...options, topK: 0 }, /topK must be/],
      [{ ...options, topk: 3 }, /did you mean 'topK'/],
    ])('%o is refused', (wrong, message) => {
      expect(() => multiHeadSimilarity(device(), queries, keys, wrong as never)).toThrow(message);
    });

    test('vectors of the wrong kind or length are refused at once', () => {
      expect(() => multiHeadSimilarity(device(), queries.subarray(1), keys, options)).toThrow(
        /queries must hold whole vectors/,
      );
      expect(() => multiHeadSimilarity(device(), queries, new Float32Array(0), options)).toThrow(
        /keys must not be empty/,
      );
      expect(() => multiHeadSimilarity(device(), [1] as never, keys, options)).toThrow(
        /queries must be a Float32Array/,
      );
      expect(() => multiHeadSimilarity({} as never, queries, keys, options)).toThrow(/device must be a Device/);
    });

    test('an aborted call rejects with the reason', async () => {
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(multiHeadSimilarity(device(), queries, keys, { ...options, signal })).rejects.toThrow('enough');
      using similarity = await MultiHeadSimilarity.create(device(), options);
      await expect(similarity.setKeys(keys, { signal })).rejects.toThrow('enough');
      await expect(similarity.score(queries, { keys, signal })).rejects.toThrow('enough');
    });

    test('a disposed one says so', async () => {
      const similarity = await MultiHeadSimilarity.create(device(), options);
      await similarity.setKeys(keys);
      similarity.dispose();
      similarity.dispose();
      for (const call of [
        () => similarity.score(queries),
        () => similarity.topK(queries),
        () => similarity.setKeys(keys),
      ])
        expect(call).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    });
  });
});
