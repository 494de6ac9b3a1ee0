import { describe, expect, test } from 'vitest';
import { Device } from '../../src/index.js';
import { PqIndexer, type PqIndexerOptions } from '../../src/vector/pq-indexer.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { scoresOf } from './pq-scores.js';

const SMALL = { queryHeads: 4, kvHeads: 2, dimensions: 16, sink: 5, heavy: 20, window: 7 } satisfies PqIndexerOptions;

function numbers(seed: number, count: number): Float32Array {
  return new Random(seed).rows('normal', count, 1);
}

/** An indexer after `first` with so many keys. */
async function started(device: Device, options: PqIndexerOptions, keys: number): Promise<PqIndexer> {
  const { batch = 1, kvHeads = options.queryHeads, dimensions } = options;
  const indexer = PqIndexer.create(device, options);
  await indexer.first(new Random(keys).rows('clustered', batch * kvHeads * keys, dimensions));
  return indexer;
}

/** The list is sink, window and the best of the scores that codes and codebooks give; ties are compared as values. */
async function expectBest(indexer: PqIndexer, options: PqIndexerOptions, seed: number, queryCount = 1, newKeys = 1) {
  const { batch = 1, queryHeads, kvHeads = queryHeads, dimensions, sink = 128, heavy = 128, window = 128 } = options;
  const queries = numbers(seed, batch * queryHeads * queryCount * dimensions);
  const appended = numbers(seed + 1, batch * kvHeads * newKeys * dimensions);
  const result = await indexer.next(queries, appended);
  const { sparseList, sparseLength, heads, keyCount: keys } = result;
  expect(result).toMatchObject({ dense: false, sparseLength: sink + heavy + window });
  expect(sparseList.length).toBe(batch * heads * sparseLength);
  const scores = await scoresOf(indexer, options, queries);
  for (let head = 0; head < batch * heads; head++) {
    const list = sparseList.subarray(head * sparseLength, (head + 1) * sparseLength);
    expect([...list]).toEqual([...new Set(list)].sort((a, b) => a - b));
    expect([...list.subarray(0, sink)]).toEqual(Array.from({ length: sink }, (_, i) => i));
    expect(list[sparseLength - window] ?? keys).toBe(keys - window);
    const own = scores[head];
    const chosen = Array.from(list.subarray(sink, sink + heavy), (position) => own[position]).sort((a, b) => b - a);
    const best = Array.from(own.subarray(sink, keys - window)).sort((a, b) => b - a);
    for (let i = 0; i < heavy; i++) expect(Math.abs(chosen[i] - best[i])).toBeLessThan(1e-4 * (1 + Math.abs(best[i])));
  }
  return result;
}

describeDevices('PQ indexer', (device) => {
  const variants: Record<string, PqIndexerOptions> = {
    'a list for each query head': SMALL,
    'a list for each KV head': { ...SMALL, groupBy: 'kv-head' },
    'a batch of two': { ...SMALL, batch: 2 },
    'inner product': { ...SMALL, metric: 'inner-product' },
    '4 bits, 4 subspaces': { ...SMALL, bits: 4, subspaces: 4 },
    '8 bits, 1 subspace, inner product': { ...SMALL, bits: 8, subspaces: 1, metric: 'inner-product' },
    'sub-vectors of 3': { ...SMALL, dimensions: 9, subspaces: 3 },
    'nothing at the ends': { ...SMALL, sink: 0, window: 0 },
    'more heavy positions than a workgroup keeps': { ...SMALL, heavy: 2100, queryHeads: 2 },
  };

  test.each(Object.entries(variants))('chooses the best keys: %s', async (_, options) => {
    using indexer = await started(device(), options, 2500);
    await expectBest(indexer, options, 10);
    await expectBest(indexer, options, 20, 3, 5);
  });

  test('every key has its nearest codeword, and the codebooks fit the keys', async () => {
    const keys = 900;
    const vectors = new Random(1).rows('clustered', 2 * keys, 16);
    using indexer = PqIndexer.create(device(), { ...SMALL, iterations: 15 });
    await indexer.first(vectors);
    const [codes, codebooks] = [await indexer.codes(), await indexer.codebooks()];
    let error = 0;
    for (let p = 0; p < 4; p++)
      for (let key = 0; key < keys; key++) {
        const x = vectors.subarray(((p >> 1) * keys + key) * 16 + (p & 1) * 8).subarray(0, 8);
        const distances = Array.from({ length: 64 }, (_, k) =>
          x.reduce((sum, value, j) => sum + (value - codebooks[(p * 64 + k) * 8 + j]) ** 2, 0),
        );
        const own = distances[codes[p * keys + key]];
        expect(own).toBeLessThan(Math.min(...distances) + 1e-4);
        error += own;
      }
    // Clouds of variance 0.04 around as many centres as a codebook has words.
    expect(error / (4 * keys * 8)).toBeLessThan(0.06);
  });

  test('appending beyond the room for codes changes no code', async () => {
    const options = { ...SMALL, queryHeads: 2 };
    using indexer = await started(device(), options, 400);
    const before = await indexer.codes();
    const added = numbers(7, 2 * 1500 * 16);
    await indexer.next(numbers(8, 32), added);
    expect(indexer.keyCount).toBe(1900);
    const after = await indexer.codes();
    for (let p = 0; p < 4; p++) {
      expect(after.subarray(p * 1900, p * 1900 + 400)).toEqual(before.subarray(p * 400, (p + 1) * 400));
    }
    await expectBest(indexer, options, 30);
    // One at a time or all at once: the same codes.
    using other = await started(device(), options, 400);
    for (const [first, last] of [
      [0, 1],
      [1, 6],
      [6, 1400],
      [1400, 1500],
    ]) {
      const part = [0, 1].map((head) => added.slice((head * 1500 + first) * 16, (head * 1500 + last) * 16));
      await other.next(numbers(8, 32), Float32Array.from([...part[0], ...part[1]]));
    }
    expect(await other.codes()).toEqual(after);
  });

  test('the same seed gives the same bytes', async () => {
    const codebooks = async (seed: number) => {
      using indexer = await started(device(), { ...SMALL, seed }, 500);
      return await indexer.codebooks();
    };
    const first = await codebooks(1);
    expect(await codebooks(1)).toEqual(first);
    expect(await codebooks(2)).not.toEqual(first);
  });

  test('where there are few keys, the list has all of them', async () => {
    using indexer = await started(device(), SMALL, 80);
    const limit = 20 + 5 + 1 + 64;
    const atLimit = await indexer.next(numbers(1, 64), numbers(2, 2 * 16 * (limit - 80)));
    expect(atLimit).toMatchObject({ dense: true, sparseLength: limit, keyCount: limit });
    expect(atLimit.sparseList).toEqual(Uint32Array.from({ length: 4 * limit }, (_, i) => i % limit));
    expect(indexer.listTensor).toBeUndefined();
    await expectBest(indexer, SMALL, 40);
    expect(indexer.listTensor?.length).toBe(4 * 32);
    expect((await indexer.next(numbers(3, 64 * 2))).dense).toBe(true);
  });

  test('dense weights are 1 at the positions of the list', async () => {
    using indexer = await started(device(), SMALL, 300);
    const { sparseList, weights } = await indexer.next(numbers(1, 64), undefined, { weights: true });
    const expected = new Float32Array(4 * 300);
    for (const [i, position] of sparseList.entries()) expected[Math.floor(i / 32) * 300 + position] = 1;
    expect(weights).toEqual(expected);
  });

  test('inputs may be tensors, and first may come again', async () => {
    using indexer = PqIndexer.create(device(), SMALL);
    const keys = numbers(5, 2 * 250 * 16);
    const [queries, added] = [numbers(6, 64), numbers(7, 32)];
    await indexer.first(keys);
    const fromHost = await indexer.next(queries, added);
    using keyTensor = await device().tensorFrom(keys);
    using queryTensor = await device().tensorFrom(queries);
    using addedTensor = await device().tensorFrom(added);
    await indexer.first(keyTensor);
    expect(indexer.keyCount).toBe(250);
    expect(await indexer.next(queryTensor, addedTensor)).toEqual(fromHost);
    expect(await indexer.next(queryTensor, addedTensor)).toMatchObject({ keyCount: 252, dense: false });
  });

  test('a steady state allocates nothing', async () => {
    using indexer = await started(device(), SMALL, 300);
    for (let i = 0; i < 3; i++) await indexer.next(numbers(i, 64), numbers(i, 32));
    const { allocations } = device().memory();
    for (let i = 0; i < 20; i++) await indexer.next(numbers(i, 64), numbers(i, 32));
    expect(device().memory().allocations).toBe(allocations);
  });

  test('a NaN rejects or throws, and leaves the indexer as it was', async () => {
    using indexer = await started(device(), SMALL, 300);
    const bad = numbers(1, 2 * 300 * 16);
    bad[(300 + 2) * 16 + 3] = Number.NaN;
    await expect(indexer.first(bad)).rejects.toThrow(/PqIndexer.first: vector 302 has a number that is NaN/);
    expect(() => indexer.next(numbers(1, 64), Float32Array.of(...numbers(1, 31), Infinity))).toThrow(
      /newKeys must hold finite numbers, got Infinity at 31/,
    );
    expect(indexer.keyCount).toBe(300);
    await expectBest(indexer, SMALL, 50);
  });

  test('an abort rejects with its reason', async () => {
    using indexer = await started(device(), SMALL, 300);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(indexer.next(numbers(1, 64), undefined, { signal })).rejects.toThrow('enough');
    await expect(indexer.first(numbers(1, 2 * 300 * 16), { signal })).rejects.toThrow('enough');
    expect(indexer.keyCount).toBe(300);
  });

  test('a call that is aborted while it waits rejects before the one ahead of it ends, and adds no keys', async () => {
    using indexer = await started(device(), SMALL, 300);
    const order: string[] = [];
    const controller = new AbortController();
    const { signal } = controller;
    const ahead = indexer.next(numbers(1, 64), numbers(2, 2 * 16)).then(() => order.push('ahead'));
    const waiting = indexer.next(numbers(3, 64), numbers(4, 2 * 16), { signal }).catch((error) => {
      order.push('aborted');
      expect(error).toBe(signal.reason);
    });
    controller.abort(new Error('enough'));
    await Promise.all([ahead, waiting]);
    expect(order).toEqual(['aborted', 'ahead']);
    expect(indexer.keyCount).toBe(301);
  });

  test('misuse throws at once, naming the argument', async () => {
    const indexer = await started(device(), SMALL, 300);
    const fresh = PqIndexer.create(device(), SMALL);
    expect(() => fresh.next(numbers(1, 64))).toThrow(/first must be called before/);
    expect(() => fresh.first(numbers(1, 2 * 19 * 16))).toThrow(/keys must be at least heavy = 20 a head, got 19/);
    expect(() => fresh.first(numbers(1, 3 * 16))).toThrow(/equally many vectors for each of 2 heads, got 3/);
    expect(() => fresh.first([1] as never)).toThrow(TypeError);
    expect(() => indexer.next(numbers(1, 63))).toThrow(RangeError);
    expect(() => indexer.next(numbers(1, 64), numbers(1, 16))).toThrow(RangeError);
    expect(() => indexer.next(numbers(1, 64), undefined, { wieghts: true } as never)).toThrow(/did you mean 'weights'/);
    for (const part of [indexer, fresh]) part.dispose();
    expect(() => indexer.next(numbers(1, 64))).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    expect(() => indexer.first(numbers(1, 64))).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });
});

describeDevices('PQ indexer with small bindings', (_, kind) => {
  test('heads are split over segments', async () => {
    using device = await kind.open({ maxBindingBytes: 64 << 10 });
    const options = { ...SMALL, queryHeads: 8, kvHeads: 4 };
    using indexer = await started(device, options, 500);
    await expectBest(indexer, options, 60);
    expect(await indexer.codebooks()).toHaveLength(4 * 2 * 64 * 8);
  });
});

describe('PqIndexer.create', () => {
  test.each<[Partial<PqIndexerOptions>, RegExp]>([
    [{ bits: 3 }, /bits must be an integer from 4 to 8, got 3/],
    [{ bits: 9 }, /bits/],
    [{ kvHeads: 3 }, /kvHeads must divide queryHeads \(4\), got 3/],
    [{ subspaces: 3 }, /subspaces must divide dimensions \(16\), got 3/],
    [{ dimensions: 64, subspaces: 32, bits: 8 }, /subspaces × 2\^bits must be at most 4096, got 32 × 256/],
    [{ dimensions: 2048 }, /at most 1024 dimensions/],
    [{ heavy: 0 }, /heavy must be an integer from 1/],
    [{ groupBy: 'head' as never }, /groupBy must be one of 'query-head', 'kv-head'/],
    [{ metric: 'cosine' as never }, /metric must be one of/],
    [{ windows: 3 } as never, /unknown option 'windows', did you mean 'window'/],
    [{ metric: 'euclidean' as never }, /metric must be one of 'l2', 'inner-product', got 'euclidean'/],
  ])('refuses %j', async (options, message) => {
    using device = await Device.open({ backend: 'cpu', threads: 1 });
    expect(() => PqIndexer.create(device, { ...SMALL, ...options })).toThrow(message);
  });
});
