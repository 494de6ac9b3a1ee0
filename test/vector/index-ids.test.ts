// Ids that users give: they come back, never twice, never of two kinds, and a refused call changes nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { Ids } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { DIMENSIONS, FLAT, INDEX_KINDS, slice, vectorsOf } from './index-kinds.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-ids-'));
const path = join(folder, 'an.index');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const vectors = vectorsOf(300, 1);

/** Counts how often the event loop is let go on; a clock that leaps makes every pause one. */
function countTurns() {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 1000;
    return now;
  });
  return vi.spyOn(globalThis, 'setImmediate');
}

/** What is found for itself as nearest by each of the vectors, except where codes of two vectors are the same. */
async function nearestIds(index: { search(q: Float32Array, o: object): Promise<{ ids: Ids }> }, asked = vectors) {
  return (await index.search(asked, { k: 1 })).ids;
}

const uint32 = (count: number, first: number) => Uint32Array.from({ length: count }, (_, i) => first + 7 * i);
const int64 = (count: number, first: bigint) =>
  BigInt64Array.from({ length: count }, (_, i) => first - 11n * BigInt(i));

describeDevices('ids', (device) => {
  describe.each(INDEX_KINDS)('of a $name', (kind) => {
    test('are running numbers where none are given', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 100));
      await index.add(slice(vectors, 100, 300));
      const { ids } = await index.search(slice(vectors, 0, 1), { k: 300 });
      expect(ids).toBeInstanceOf(Uint32Array);
      expect([...(ids as Uint32Array)].sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    });

    test.each([
      ['32-bit', uint32(300, 0xfffff000 - 1), 0xffffffff],
      ['64-bit', int64(300, 2n ** 63n - 1n), -1n],
    ] as const)('of %s come back, with fill values', async (_, ids, none) => {
      using automatic = await kind.create(device(), vectors);
      await automatic.add(vectors);
      const rows = (await nearestIds(automatic)) as Uint32Array;
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 170), { ids: ids.subarray(0, 170) as Ids });
      await index.add(slice(vectors, 170, 300), { ids: ids.subarray(170) as Ids });
      const found = await nearestIds(index);
      expect(found).toBeInstanceOf(ids.constructor);
      expect([...found]).toEqual(Array.from(rows, (row) => ids[row]));
      const { ids: many } = await index.search(slice(vectors, 0, 1), { k: 302 });
      expect([...many.subarray(300)]).toEqual([none, none]);
      expect(new Set<unknown>(many.subarray(0, 300))).toEqual(new Set<unknown>(ids));
    });

    test('that repeat are refused, within a call and across calls, and the index does not change', async () => {
      using index = await kind.create(device(), vectors);
      const ids = uint32(100, 5);
      await index.add(slice(vectors, 0, 100), { ids });
      const before = await index.search(vectors, { k: 5 });
      const add = (wrong: Ids) => () => index.add(slice(vectors, 100, 103), { ids: wrong });
      await expect(add(Uint32Array.of(1, 2, 1))()).rejects.toThrow(`${kind.name}.add: ids must not repeat, 1 does`);
      await expect(add(Uint32Array.of(1, 2, ids[99]))()).rejects.toThrow(/ids must not repeat, 698 does/);
      await expect(add(Uint32Array.of(1, 0xffffffff, 2))()).rejects.toThrow(/ids must not contain 4294967295/);
      expect(add(Uint32Array.of(1, 2))).toThrow(/ids must have 3 entries, one a vector, got 2/);
      expect(add(BigInt64Array.of(1n, 2n, 3n))).toThrow(
        /ids must be a Uint32Array as in earlier calls, got a BigInt64Array of 3/,
      );
      expect(add([1, 2, 3] as never)).toThrow(/ids must be a Uint32Array or a BigInt64Array, got an array of 3/);
      expect(() => index.add(slice(vectors, 100, 103))).toThrow(
        /ids must be a Uint32Array as in earlier calls, got undefined/,
      );
      expect(index.count).toBe(100);
      expect(await index.search(vectors, { k: 5 })).toEqual(before);
      await index.add(slice(vectors, 100, 103), { ids: Uint32Array.of(1, 2, 3) });
      expect(index.count).toBe(103);
    });

    test('of 64 bits have their own reserved value', async () => {
      using index = await kind.create(device(), vectors);
      const add = (...ids: bigint[]) => index.add(slice(vectors, 0, ids.length), { ids: BigInt64Array.from(ids) });
      await expect(add(4n, -1n)).rejects.toThrow(/ids must not contain -1/);
      await add(0xffffffffn, -2n, 0n);
      await expect(add(-2n)).rejects.toThrow(/ids must not repeat, -2 does/);
      expect(index.count).toBe(3);
    });

    test('given after automatic ones are refused', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 2));
      expect(() => index.add(slice(vectors, 2, 3), { ids: Uint32Array.of(9) })).toThrow(
        /ids must not be given: earlier calls gave none/,
      );
    });

    test('that two calls at once both bring go to the first of them', async () => {
      using index = await kind.create(device(), vectors);
      const ids = Uint32Array.of(3, 4);
      const first = index.add(slice(vectors, 0, 2), { ids });
      await expect(index.add(slice(vectors, 2, 4), { ids })).rejects.toThrow(/ids must not repeat, 3 does/);
      await first;
      expect(index.count).toBe(2);
    });

    test('of a failed call are free again, and automatic numbering goes on without a gap', async () => {
      const spoilt = slice(vectors, 0, 3).slice();
      spoilt[2 * DIMENSIONS] = Number.NaN;
      using given = await kind.create(device(), vectors);
      const ids = Uint32Array.of(7, 8, 9);
      await expect(given.add(spoilt, { ids })).rejects.toThrow(/vector 2 has/);
      expect(given.count).toBe(0);
      await given.add(slice(vectors, 0, 3), { ids });
      using automatic = await kind.create(device(), vectors);
      await automatic.add(slice(vectors, 0, 40));
      await expect(automatic.add(spoilt)).rejects.toThrow(/vector 2 has/);
      await automatic.add(slice(vectors, 40, 80));
      const { ids: all } = await automatic.search(slice(vectors, 0, 1), { k: 80 });
      expect([...(all as Uint32Array)].sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i));
    });
  });

  test('a first call that fails leaves the kind of ids open', async () => {
    for (const kind of INDEX_KINDS) {
      using index = await kind.create(device(), vectors);
      const spoilt = new Float32Array(DIMENSIONS).fill(Number.NaN);
      await expect(index.add(spoilt, { ids: Uint32Array.of(1) })).rejects.toThrow(/vector 0 has/);
      await index.add(slice(vectors, 0, 1), { ids: BigInt64Array.of(5n) });
      expect((await index.search(slice(vectors, 0, 1), { k: 1 })).ids).toEqual(BigInt64Array.of(5n));
    }
  });

  describe('by the thousand', () => {
    const many = vectorsOf(5000, 3);
    const ids = uint32(5000, 1);

    test('let the event loop turn while they are looked at, also when one repeats at the end', async () => {
      using index = await FLAT.create(device(), vectors);
      await index.add(slice(many, 0, 1), { ids: Uint32Array.of(ids[4999]) });
      const turns = countTurns();
      await expect(index.add(many, { ids })).rejects.toThrow(`ids must not repeat, ${ids[4999]} does`);
      expect(turns.mock.calls.length).toBeGreaterThanOrEqual(8); // on the way there and back
      expect(index.count).toBe(1);
      await index.add(slice(many, 0, 4999), { ids: ids.subarray(0, 4999) });
      expect(index.count).toBe(5000);
    });

    test('are free again after an abort in their middle', async () => {
      using index = await FLAT.create(device(), vectors);
      await index.add(slice(many, 0, 1), { ids: Uint32Array.of(0) });
      const controller = new AbortController();
      const adding = index.add(many, { ids, signal: controller.signal });
      countTurns().mockImplementationOnce(((turn: () => void) => {
        controller.abort(new Error('enough'));
        turn();
      }) as never);
      await expect(adding).rejects.toThrow('enough');
      expect(index.count).toBe(1);
      await index.add(many, { ids });
      expect(index.count).toBe(5001);
    });

    test('are read from a file as they are, and looked at when the first one is added', async () => {
      using index = await FLAT.create(device(), vectors);
      await index.add(many, { ids });
      await index.save(path);
      const add = vi.spyOn(Set.prototype, 'add');
      using loaded = await FLAT.load(device(), path);
      expect(add.mock.calls.length).toBeLessThan(100);
      add.mockRestore();
      const turns = countTurns();
      await expect(loaded.add(slice(many, 0, 1), { ids: ids.subarray(4999) })).rejects.toThrow(/must not repeat/);
      expect(turns.mock.calls.length).toBeGreaterThanOrEqual(4);
    });
  });

  test('given in any order come back with their vectors', async () => {
    const order = new Random(9).permutation(300);
    for (const kind of INDEX_KINDS) {
      using plain = await kind.create(device(), vectors);
      await plain.add(vectors);
      using shuffled = await kind.create(device(), vectors);
      await shuffled.add(vectors, { ids: order });
      const rows = (await plain.search(vectors, { k: 10 })).ids as Uint32Array;
      expect((await shuffled.search(vectors, { k: 10 })).ids).toEqual(rows.map((row) => order[row]));
    }
  });
});
