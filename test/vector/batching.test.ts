// Concurrent calls: searches share runs without mixing, and see an index before or after a change, never in between.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Program, type SearchResult } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { DIMENSIONS, FLAT, INDEX_KINDS, IVF_FLAT, slice, vectorsOf } from './index-kinds.js';

const vectors = vectorsOf(600, 1);
const queries = vectorsOf(200, 2);

afterEach(() => {
  vi.restoreAllMocks();
});

const query = (i: number) => slice(queries, i, i + 1);

/** Part of a larger result, as a search for these queries alone gives it. */
function part({ k, ids, distances }: SearchResult, first: number, end: number): SearchResult {
  return {
    count: end - first,
    k,
    ids: ids.slice(first * k, end * k) as never,
    distances: distances.slice(first * k, end * k),
  };
}

/** Runs until `work` has settled and returns what `step` gave, call by call. */
async function during<T>(work: Promise<unknown>, step: () => Promise<T>): Promise<T[]> {
  let busy = true;
  const end = () => {
    busy = false;
  };
  const settled = work.then(end, end);
  const results: T[] = [];
  while (busy) {
    results.push(await step());
    await new Promise(setImmediate);
  }
  await settled;
  return results;
}

describeDevices('concurrent searches', (device, backend) => {
  describe.each(INDEX_KINDS)('of a $name', (kind) => {
    test('give what separate ones give, in far fewer runs', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const separate: SearchResult[] = [];
      for (let i = 0; i < 200; i++) separate.push(await index.search(query(i)));
      const run = vi.spyOn(Program.prototype, 'run');
      const together = await Promise.all(separate.map((_, i) => index.search(query(i))));
      expect(together).toEqual(separate);
      expect(run.mock.calls.length).toBeLessThanOrEqual(4);
    });

    test('do not mix different k and numbers of queries', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const all = new Map<number, SearchResult>();
      for (const k of [1, 2, 3, 50]) all.set(k, await index.search(queries, { k }));
      const searches = Array.from({ length: 60 }, (_, i) => {
        const k = [1, 2, 3, 50][i % 4];
        return { k, first: i, end: i + 1 + (i % 3) };
      });
      const results = await Promise.all(
        searches.map(({ k, first, end }) => index.search(slice(queries, first, end), { k })),
      );
      for (const [i, { k, first, end }] of searches.entries())
        expect(results[i]).toEqual(part(all.get(k) as SearchResult, first, end));
    });

    test('that come while others are on the device are served after them', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const expected = await index.search(queries);
      const order: number[] = [];
      const searches: Promise<unknown>[] = [];
      for (let i = 0; i < 40; i++) {
        const search = index.search(query(i)).then((result) => {
          order.push(i);
          expect(result).toEqual(part(expected, i, i + 1));
        });
        searches.push(search);
        if (i % 3 === 0) await new Promise(setImmediate);
      }
      await Promise.all(searches);
      expect(order).toEqual(Array.from({ length: 40 }, (_, i) => i));
    });

    test('of more rows than one run takes are answered in full', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const many = vectorsOf(1100, 3);
      const [first, second, all] = await Promise.all([
        index.search(slice(many, 0, 700)),
        index.search(slice(many, 700, 1100)),
        index.search(many),
      ]);
      expect(first).toEqual(part(all, 0, 700));
      expect(second).toEqual(part(all, 700, 1100));
    });

    test('that are aborted reject with their reason, and their neighbours do not notice', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const expected = await index.search(queries);
      const controllers = Array.from({ length: 30 }, () => new AbortController());
      const searches = controllers.map(({ signal }, i) => index.search(query(i), { signal }));
      for (const i of [0, 11, 29]) controllers[i].abort(new Error(`not ${i}`));
      const results = await Promise.allSettled(searches);
      for (const [i, result] of results.entries()) {
        if ([0, 11, 29].includes(i))
          expect(result).toMatchObject({ status: 'rejected', reason: { message: `not ${i}` } });
        else expect(result).toEqual({ status: 'fulfilled', value: part(expected, i, i + 1) });
      }
      const late = new AbortController();
      const { signal } = late;
      expect(await index.search(query(5), { signal })).toEqual(part(expected, 5, 6));
      late.abort();
      await expect(index.search(query(5), { signal })).rejects.toBe(signal.reason);
    });
  });

  test('that are aborted while they wait are not run', async () => {
    using index = await FLAT.create(device(), vectors);
    await index.add(vectors);
    const run = vi.spyOn(Program.prototype, 'run');
    const controller = new AbortController();
    // Two runs are on their way at a time; searches for another k have runs of their own.
    const begun = [index.search(query(0), { k: 1 }), index.search(query(1), { k: 2 })];
    const waiting = index.search(query(2), { k: 3, signal: controller.signal });
    await Promise.resolve();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await Promise.all(begun);
    expect((await index.search(query(3), { k: 4 })).k).toBe(4);
    expect(run).toHaveBeenCalledTimes(3);
  });

  test('do not mix different numbers of probes', async () => {
    using index = await IVF_FLAT.create(device(), vectors);
    await index.add(vectors);
    const search = (i: number) =>
      (index as { search(q: Float32Array, o: object): Promise<SearchResult> }).search(query(i), {
        probes: 1 + (i % 4),
      });
    const separate: SearchResult[] = [];
    for (let i = 0; i < 40; i++) separate.push(await search(i));
    expect(await Promise.all(separate.map((_, i) => search(i)))).toEqual(separate);
  });

  test('of many kinds in turn keep the memory bounded', async () => {
    using index = await FLAT.create(device(), vectors);
    await index.add(vectors);
    const sweep = async (first: number) => {
      for (let k = first; k < first + 20; k++) await index.search(query(k), { k });
      return device().memory().liveBytes;
    };
    const before = await sweep(1);
    expect(await sweep(21)).toBeLessThan(before + (256 << 10));
    await index.search(query(0), { k: 7 });
    const { allocations } = device().memory();
    for (let i = 0; i < 50; i++) await index.search(query(i), { k: 7 });
    expect(device().memory().allocations).toBe(allocations);
  });

  describe.each(INDEX_KINDS)('during changes of a $name', (kind) => {
    const found = ({ ids }: SearchResult) => [...(ids as Uint32Array)].filter((id) => id !== 0xffffffff).length;

    test('see the vectors of an add all or not at all', async () => {
      using small = await backend.open({ memoryLimitBytes: 3 << 20 });
      using index = await kind.create(small, vectors);
      await index.add(slice(vectors, 0, 300));
      const before = await index.search(queries);
      const more = vectorsOf(12_000, 4);
      const adding = index.add(more);
      const results = await during(adding, () => index.search(queries));
      await adding;
      const after = await index.search(queries);
      expect(after).not.toEqual(before);
      const stages = results.map((result) => [before, after].findIndex((state) => matches(result, state)));
      expect(stages).not.toContain(-1);
      expect(stages).toEqual(stages.slice().sort());
      expect(stages[0]).toBe(0);
    });

    test('see nothing of an add that fails', async () => {
      using small = await backend.open({ memoryLimitBytes: 3 << 20 });
      using index = await kind.create(small, vectors);
      await index.add(slice(vectors, 0, 300));
      const before = await index.search(queries);
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error('enough'));
      const adding = index.add(vectorsOf(20_000, 5), { signal: controller.signal, onProgress });
      const results = await during(adding, () => index.search(queries));
      await expect(adding).rejects.toThrow('enough');
      for (const result of results) expect(result).toEqual(before);
    });

    test('see each of many adds, which land in the order of the calls', async () => {
      using index = await kind.create(device(), vectors);
      const sizes = [1, 31, 33, 100, 35, 128, 272];
      const counts: number[] = [];
      const adds: Promise<unknown>[] = [];
      let done = 0;
      for (const size of sizes) {
        adds.push(index.add(slice(vectors, done, done + size)));
        done += size;
        adds.push(index.search(query(0), { k: 600 }).then((result) => counts.push(found(result))));
      }
      await during(Promise.all(adds), async () => counts.push(found(await index.search(query(1), { k: 600 }))));
      const sums = [0, ...sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size))];
      for (const count of counts) expect(sums).toContain(count);
      expect(index.count).toBe(600);
      using other = await kind.create(device(), vectors);
      await other.add(vectors);
      expect(await index.search(queries, { k: 20 })).toEqual(await other.search(queries, { k: 20 }));
    });

    test('divided into parts see one state in all of them', async () => {
      using small = await backend.open({ maxBindingBytes: 64 << 10 });
      using index = await kind.create(small, vectors);
      await index.add(slice(vectors, 0, 100));
      const before = await index.search(queries);
      const run = vi.spyOn(Program.prototype, 'run');
      expect(await index.search(queries)).toEqual(before);
      expect(run.mock.calls.length).toBeGreaterThan(1);
      const search = index.search(queries);
      await index.add(vectorsOf(3000, 6));
      expect(await search).toEqual(before);
      expect(await index.search(queries)).not.toEqual(before);
    });

    test('two adds at once both land, the second after the first', async () => {
      using index = await kind.create(device(), vectors);
      await Promise.all([index.add(slice(vectors, 0, 250)), index.add(slice(vectors, 250, 600))]);
      using other = await kind.create(device(), vectors);
      await other.add(vectors);
      expect(index.count).toBe(600);
      expect(await index.search(queries)).toEqual(await other.search(queries));
    });

    test('a change that is aborted while it waits rejects before the one ahead of it ends, and is never made', async () => {
      using index = await kind.create(device(), vectors);
      const order: string[] = [];
      const controller = new AbortController();
      const { signal } = controller;
      const file = join(tmpdir(), `wavetile-${process.pid}-never-written.index`);
      const ahead = index.add(slice(vectors, 0, 250)).then(() => order.push('ahead'));
      const waiting = [index.add(slice(vectors, 250, 300), { signal }), index.save(file, { signal })];
      const aborted = Promise.allSettled(waiting).then((results) => {
        order.push('aborted');
        for (const result of results) expect(result).toEqual({ status: 'rejected', reason: signal.reason });
      });
      const behind = index.add(slice(vectors, 300, 600)).then(() => order.push('behind'));
      controller.abort(new Error('enough'));
      await Promise.all([ahead, aborted, behind]);
      expect(order).toEqual(['aborted', 'ahead', 'behind']);
      expect(index.count).toBe(550);
      expect(existsSync(file)).toBe(false);
    });

    test('an add between two that fail lands', async () => {
      using index = await kind.create(device(), vectors);
      const bad = new Float32Array(DIMENSIONS).fill(Number.NaN);
      const results = await Promise.allSettled([index.add(bad), index.add(vectors), index.add(bad)]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
      expect(index.count).toBe(600);
      expect(found(await index.search(query(0), { k: 1000 }))).toBe(600);
    });
  });
});

function matches(result: SearchResult, state: SearchResult): boolean {
  const same = (a: ArrayLike<unknown>, b: ArrayLike<unknown>) => Array.from(a).every((x, i) => x === b[i]);
  return same(result.ids as never, state.ids as never) && same(result.distances, state.distances);
}
