// Bad input of every kind: a typed error that names what is wrong, and an index that goes on as if nothing had been.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FlatIndex, IvfFlatIndex, IvfPqIndex } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { DIMENSIONS, INDEX_KINDS, slice, TRAINED_KINDS, vectorsOf } from './index-kinds.js';

const vectors = vectorsOf(200, 1);
const queries = vectorsOf(5, 2);

afterEach(() => {
  vi.restoreAllMocks();
});

const BAD_NUMBERS = [Number.NaN, Infinity, -Infinity, 3e38];

/** A copy with one number of one vector replaced. */
function spoil(source: Float32Array, vector: number, value: number): Float32Array {
  const spoilt = source.slice();
  spoilt[vector * DIMENSIONS + (vector % DIMENSIONS)] = value;
  return spoilt;
}

describeDevices('bad input', (device, backend) => {
  describe.each(INDEX_KINDS)('to a $name', (kind) => {
    test.each(BAD_NUMBERS)('with a number %d is refused, naming the vector', async (value) => {
      using index = await kind.create(device(), vectors);
      await index.add(slice(vectors, 0, 100));
      const before = await index.search(queries);
      for (const bad of [0, 33, 99]) {
        const adding = index.add(spoil(slice(vectors, 100, 200), bad, value));
        await expect(adding).rejects.toThrow(new RegExp(`^${kind.name}.add: vector ${bad} has a number that is NaN`));
        const searching = index.search(spoil(vectors, bad, value));
        await expect(searching).rejects.toThrow(new RegExp(`^${kind.name}.search: vector ${bad} has a number`));
        await expect(index.search(spoil(vectors, bad, value))).rejects.toBeInstanceOf(RangeError);
      }
      expect(index.count).toBe(100);
      expect(await index.search(queries)).toEqual(before);
      await index.add(slice(vectors, 100, 200));
      expect(index.count).toBe(200);
    });

    test('in a late part of many queries is named by its number among all', async () => {
      using small = await backend.open({ maxBindingBytes: 64 << 10 });
      using index = await kind.create(small, vectors);
      await index.add(vectors);
      await expect(index.search(spoil(vectorsOf(900, 3), 801, Number.NaN))).rejects.toThrow(/vector 801 has/);
    });

    test('in one of many concurrent searches fails that one only', async () => {
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const expected = await index.search(queries);
      const searches = Array.from({ length: 20 }, (_, i) =>
        index.search(i % 7 === 3 ? spoil(queries, 2, Number.NaN) : queries),
      );
      const results = await Promise.allSettled(searches);
      for (const [i, result] of results.entries()) {
        if (i % 7 !== 3) expect(result).toEqual({ status: 'fulfilled', value: expected });
        else
          expect(result).toMatchObject({
            status: 'rejected',
            reason: { message: expect.stringMatching(/vector 2 has/) },
          });
      }
    });

    test('of wrong shape, type or device is refused at once', async () => {
      using other = await backend.open();
      using index = await kind.create(device(), vectors);
      await index.add(vectors);
      const before = await index.search(queries);
      for (const call of [index.add.bind(index), index.search.bind(index)] as ((...args: unknown[]) => unknown)[]) {
        expect(() => call(vectors.subarray(1))).toThrow(/must hold whole vectors of 16 dimensions, got 3199 numbers/);
        expect(() => call(new Float32Array(0))).toThrow(/must not be empty/);
        expect(() => call([1, 2])).toThrow(/must be a Float32Array or an f32 Tensor, got an array of 2/);
        expect(() => call(new Float64Array(16))).toThrow(TypeError);
        expect(() => call(undefined)).toThrow(TypeError);
        expect(() => call(queries, null)).toThrow(/options must be an object, got null/);
        expect(() => call(queries, { sginal: 1 })).toThrow(/unknown option 'sginal', did you mean 'signal'/);
        expect(() => call(queries, { signal: {} })).toThrow(/signal must be an AbortSignal/);
        using words = device().tensor('i32', [16]);
        expect(() => call(words)).toThrow(/(vectors|queries) must be a Tensor of f32, got one of i32/);
        using wide = device().tensor('f32', [2, 32]);
        expect(() => call(wide)).toThrow(/must have vectors of 16 dimensions, got a shape of 2 x 32/);
        using elsewhere = other.tensor('f32', [2, 16]);
        expect(() => call(elsewhere)).toThrow(/(vectors|queries) must be a tensor of the same device/);
        const gone = device().tensor('f32', [16]);
        gone.dispose();
        expect(() => call(gone)).toThrow(
          expect.objectContaining({
            code: 'DISPOSED',
            message: expect.stringMatching(/(vectors|queries) was disposed/),
          }),
        );
      }
      expect(() => index.add(queries, { onProgress: 5 as never })).toThrow(/onProgress must be a function, got 5/);
      expect(index.count).toBe(200);
      expect(await index.search(queries)).toEqual(before);
    });

    test.each([0, 2049, 1.5, -1, Number.NaN, '10', null])('k = %s is refused', async (k) => {
      using index = await kind.create(device(), vectors);
      expect(() => index.search(queries, { k: k as never })).toThrow(
        /search: k must be an integer from 1 to 2048, got/,
      );
    });

    test('as tensors of one side or two does what arrays do', async () => {
      using tensor = await device().tensorFrom(vectors, [200, DIMENSIONS]);
      using index = await kind.create(device(), vectors);
      await index.add(tensor);
      using asked = await device().tensorFrom(queries);
      const expected = await index.search(queries);
      expect(await index.search(asked)).toEqual(expected);
      using many = await device().tensorFrom(vectorsOf(1500, 3));
      expect(await Promise.all([index.search(many), index.search(asked)])).toEqual([
        await index.search(vectorsOf(1500, 3)),
        expected,
      ]);
      using spoilt = await device().tensorFrom(spoil(vectors, 33, Number.NaN));
      await expect(index.search(spoilt)).rejects.toThrow(/search: vector 33 has a number/);
    });

    test('after disposal every method says so, and what was on its way settles', async () => {
      const index = await kind.create(device(), vectors);
      await index.add(vectors);
      const expected = await index.search(queries);
      const begun = [index.search(queries), index.search(queries, { k: 3 })];
      await Promise.resolve(); // the searches are on the device now
      const adding = index.add(vectors);
      const waiting = index.search(queries, { k: 4 });
      index.dispose();
      index.dispose();
      const disposed = expect.objectContaining({ code: 'DISPOSED' });
      await expect(adding).rejects.toEqual(disposed);
      await expect(waiting).rejects.toEqual(disposed);
      for (const result of await Promise.allSettled(begun)) {
        if (result.status === 'rejected') expect(result.reason).toEqual(disposed);
        else expect(result.value.ids.slice(0, 3)).toEqual(expected.ids.slice(0, 3));
      }
      expect(() => index.add(vectors)).toThrow(disposed);
      expect(() => index.search(queries)).toThrow(disposed);
      expect(() => index.save('never-written.index')).toThrow(disposed);
      expect(() => index.stats()).toThrow(disposed);
    });

    test('disposal in the middle of an add or a save ends it', async () => {
      using small = await backend.open({ memoryLimitBytes: 2 << 20 });
      const index = await kind.create(small, vectors);
      const onProgress = () => index.dispose();
      await expect(index.add(vectorsOf(8000, 4), { onProgress })).rejects.toMatchObject({ code: 'DISPOSED' });
      using last = small.tensor('f32', [1]);
      await last.read();
      last.dispose();
      expect(small.memory().liveBytes).toBe(0);
    });

    test('a disposed device is named, by the method that was called', async () => {
      const lost = await backend.open();
      const index = await kind.create(lost, vectors);
      await index.add(vectors);
      lost.dispose();
      const disposed = (method: string) =>
        expect.objectContaining({ code: 'DISPOSED', message: `${kind.name}.${method}: the device was disposed of` });
      expect(() => index.add(vectors)).toThrow(disposed('add'));
      expect(() => index.search(queries)).toThrow(disposed('search'));
      expect(() => index.save('never-written.index')).toThrow(disposed('save'));
      expect(() => kind.load(lost, 'never-read.index')).toThrow(disposed('load'));
      expect(index.disposed).toBe(false);
      index.dispose();
      expect(index.disposed).toBe(true);
    });
  });

  describe.each(TRAINED_KINDS)('to the training of a $name', (kind) => {
    test.each(BAD_NUMBERS)('with a number %d is refused, naming the vector', async (value) => {
      const training = kind.create(device(), spoil(vectors, 150, value));
      await expect(training).rejects.toThrow(new RegExp(`^${kind.name}.train: vector 150 has a number that is NaN`));
    });

    test('with fewer vectors than lists is refused', () => {
      expect(() => kind.create(device(), slice(vectors, 0, 7))).toThrow(
        `${kind.name}.train: not enough training vectors: 8 lists need at least as many, got 7`,
      );
    });
  });

  describe('options of the factories', () => {
    const shape = { dimensions: DIMENSIONS, lists: 4, subspaces: 4 };

    test.each([
      [{ dimensions: 0 }, /FlatIndex.create: dimensions must be an integer from 1/],
      [{ dimensions: 2.5 }, /dimensions must be/],
      [{ dimensions: '16' }, /dimensions must be/],
      [{}, /dimensions must be/],
      [undefined, /options must be an object/],
      [null, /options must be an object/],
      [
        { dimensions: 16, metric: 'L2' },
        /metric must be one of 'l2', 'inner-product', 'cosine', got 'L2', did you mean 'l2'/,
      ],
      [{ dimension: 16 }, /unknown option 'dimension', did you mean 'dimensions'/],
    ])('FlatIndex.create refuses %o', (options, message) => {
      expect(() => FlatIndex.create(device(), options as never)).toThrow(message);
    });

    test.each([
      [{ ...shape, lists: 0 }, /lists must be an integer from 1/],
      [{ ...shape, lists: 4.5 }, /lists must be/],
      [{ ...shape, dimensions: 7 }, /subspaces must divide dimensions|whole vectors of 7/],
      [{ ...shape, subspaces: 5 }, /subspaces must divide dimensions \(16\), got 5/],
      [{ ...shape, subspaces: undefined }, /subspaces must be/],
      [{ ...shape, bits: 6 }, /bits must be 4 or 8, got 6/],
      [{ ...shape, metric: 'dot' }, /metric must be/],
      [{ ...shape, seed: -1 }, /seed must be/],
      [{ ...shape, tolerance: 1.5 }, /tolerance must be a finite number from 0 to 1, got 1.5/],
      [{ ...shape, onProgress: 5 }, /onProgress must be a function, got 5/],
      [null, /options must be an object, got null/],
      [{ ...shape, iterations: 0 }, /iterations must be/],
      [{ ...shape, nlist: 4 }, /unknown option 'nlist'/],
      [undefined, /options must be an object/],
    ])('IvfPqIndex.train refuses %o', (options, message) => {
      expect(() => IvfPqIndex.train(device(), vectors, options as never)).toThrow(message);
    });

    test('options of a wrong type are a TypeError, whichever they are', () => {
      for (const wrong of [{ tolerance: '1' }, { iterations: '1' }, { seed: '1' }, { signal: '1' }])
        expect(() => IvfPqIndex.train(device(), vectors, { ...shape, ...wrong } as never)).toThrow(TypeError);
    });

    test('a device is needed, and one that was not disposed of', async () => {
      expect(() => FlatIndex.create({} as never, shape)).toThrow(/FlatIndex.create: device must be a Device/);
      expect(() => IvfFlatIndex.train(undefined as never, vectors, shape)).toThrow(/device must be a Device/);
      const lost = await backend.open();
      lost.dispose();
      expect(() => FlatIndex.create(lost, { dimensions: 16 })).toThrow(
        expect.objectContaining({ code: 'DISPOSED', message: 'FlatIndex.create: the device was disposed of' }),
      );
    });
  });

  test.each([0, -1, 1.5, Infinity, '3'])('probes = %s is refused', async (probes) => {
    for (const kind of TRAINED_KINDS) {
      using index = await kind.create(device(), vectors);
      expect(() => index.search(queries, { probes } as never)).toThrow(
        /search: probes must be an integer of at least 1|from 1/,
      );
    }
  });
});
