import { expect, test } from 'vitest';
import { type SparseAttentionOptions, sparseAttention } from '../../src/nn/sparse-attention.js';
import { PqIndexer } from '../../src/vector/pq-indexer.js';
import { attend } from '../support/attention.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';

const KEYS = 150;
const SIDES = { queryHeads: 4, kvHeads: 2, dimensions: 24 } satisfies SparseAttentionOptions;
const random = (seed: number, count: number) => new Random(seed).rows('normal', count, 1);
const inputs = () => ({ queries: random(1, 4 * 24), keys: random(2, 2 * KEYS * 24), values: random(3, 2 * KEYS * 24) });
const all = (heads: number) => Uint32Array.from({ length: heads * KEYS }, (_, i) => i % KEYS);

function reference(list?: Uint32Array, weights?: Float32Array, listHeads = 4): Float32Array {
  const output = new Float32Array(4 * 24);
  const sides = { ...SIDES, listHeads, queryCount: 1, keyCount: KEYS, valueDimensions: 24, scale: 1 / Math.sqrt(24) };
  attend({ ...inputs(), list, weights }, sides, (place, value) => {
    output[place] = value;
  });
  return output;
}

function expectClose(got: Float32Array, expected: Float32Array): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(got[i]).toBeCloseTo(expected[i], 4);
}

describeDevices('sparse attention', (device) => {
  test('over all positions is attention', async () => {
    expectClose(await sparseAttention(device(), { ...inputs(), sparseList: all(4) }, SIDES), reference());
  });

  test('over some positions, with a list for each KV head and weights', async () => {
    const order = new Random(4).permutation(KEYS);
    const list = Uint32Array.from([...order.subarray(0, 40), ...order.subarray(60, 100)]);
    const weights = Float32Array.from({ length: 2 * KEYS }, (_, i) => (i % 5) / 2);
    const options = { ...SIDES, listHeads: 2, weights };
    const got = await sparseAttention(device(), { ...inputs(), sparseList: list }, options);
    expectClose(got, reference(list, weights, 2));
  });

  test('a weight of 2 counts a key twice', async () => {
    const weights = new Float32Array(4 * KEYS).fill(1);
    for (let head = 0; head < 4; head++) weights[head * KEYS + 3] = 2;
    const three = Uint32Array.from({ length: 12 }, (_, i) => [1, 2, 3][i % 3]);
    const four = Uint32Array.from({ length: 16 }, (_, i) => [1, 2, 3, 3][i % 4]);
    const weighted = await sparseAttention(device(), { ...inputs(), sparseList: three }, { ...SIDES, weights });
    expectClose(weighted, await sparseAttention(device(), { ...inputs(), sparseList: four }, SIDES));
  });

  test('reads what an indexer chose, on the device', async () => {
    const { queries, keys, values } = inputs();
    using indexer = PqIndexer.create(device(), { ...SIDES, sink: 4, heavy: 30, window: 8, bits: 4, subspaces: 4 });
    await indexer.first(keys);
    const { sparseList } = await indexer.next(queries);
    expect(indexer.listTensor).toBeDefined();
    const got = await sparseAttention(device(), { queries, keys, values, sparseList: indexer.listTensor! }, SIDES);
    expectClose(got, reference(sparseList));
  });

  test('misuse is named', () => {
    const call =
      (change: object, options: object = {}) =>
      () =>
        sparseAttention(device(), { ...inputs(), sparseList: all(4), ...change }, { ...SIDES, ...options });
    expect(call({ sparseList: all(4).fill(KEYS, 7, 8) })).toThrow(/positions below 150, got 150 at 7/);
    expect(call({ values: random(1, 48) })).toThrow(/values must be as many as keys \(150 a head\), got 1/);
    expect(call({ queries: random(1, 95) })).toThrow(RangeError);
    expect(call({ keys: 3 })).toThrow(TypeError);
    expect(call({ sparseList: new Uint32Array(0) })).toThrow(RangeError);
    expect(call({}, { listHeads: 3 })).toThrow(/listHeads must divide queryHeads \(4\), got 3/);
    expect(call({}, { weights: random(1, 4) })).toThrow(/weights/);
    expect(call({}, { valueDimensions: 2000 })).toThrow(RangeError);
    expect(call({}, { scal: 2 })).toThrow(/did you mean 'scale'/);
  });
});
