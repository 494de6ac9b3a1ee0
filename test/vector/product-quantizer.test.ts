// Codes, decoded vectors and ADC distances against plain float64; odd shapes, few vectors, wrong input.
import { describe, expect, test, vi } from 'vitest';
import { ProductQuantizer } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { squaredDistance } from '../support/reference.js';
import { decode, misplacedParts } from './codes.js';
import { row } from './sift.js';

const SHAPES = [
  { dimensions: 16, subspaces: 4, bits: 8 },
  { dimensions: 16, subspaces: 16, bits: 8 },
  { dimensions: 9, subspaces: 3, bits: 8 },
  { dimensions: 9, subspaces: 3, bits: 4 },
  { dimensions: 10, subspaces: 5, bits: 4 },
  { dimensions: 35, subspaces: 7, bits: 4 },
  { dimensions: 42, subspaces: 42, bits: 4 },
  { dimensions: 21, subspaces: 21, bits: 8 },
  { dimensions: 6, subspaces: 1, bits: 8 },
  { dimensions: 1, subspaces: 1, bits: 4 },
  { dimensions: 12, subspaces: 4, bits: 8, codewords: 100 },
  { dimensions: 6, subspaces: 3, bits: 4, codewords: 5 },
] as const;

const codewordsOf = (shape: { bits: number; codewords?: number }) => shape.codewords ?? 2 ** shape.bits;

/** Warnings of the process while `work` runs. */
describeDevices('a product quantizer', (device, kind) => {
  test.each(SHAPES)('encodes to the nearest codewords and decodes to them: %o', async (shape) => {
    const random = new Random(shape.dimensions);
    const training = random.rows('normal', 600, shape.dimensions);
    const vectors = random.rows('normal', 150, shape.dimensions);
    using quantizer = await ProductQuantizer.train(device(), training, { ...shape, iterations: 5 });
    const { codeBytes } = quantizer;
    expect(codeBytes).toBe(Math.ceil((shape.subspaces * shape.bits) / 8));
    const codes = await quantizer.encode(vectors);
    expect(codes).toHaveLength(150 * codeBytes);
    const reference = { ...shape, codebooks: await quantizer.codebooks() };
    expect(reference.codebooks).toHaveLength(codewordsOf(shape) * shape.dimensions);
    const decoded = await quantizer.decode(codes);
    for (let i = 0; i < 150; i++) {
      const code = codes.subarray(i * codeBytes, (i + 1) * codeBytes);
      expect(misplacedParts(row(vectors, i, shape.dimensions), code, reference)).toEqual([]);
      expect(row(decoded, i, shape.dimensions)).toEqual(decode(code, reference));
    }
  });

  test.each(SHAPES)('gives the distances to the decoded vectors: %o', async (shape) => {
    const random = new Random(shape.dimensions + 100);
    const { dimensions } = shape;
    const vectors = random.rows('normal', 400, dimensions);
    const queries = random.rows('normal', 9, dimensions);
    using quantizer = await ProductQuantizer.train(device(), vectors, { ...shape, iterations: 3 });
    const codes = await quantizer.encode(vectors);
    const decoded = await quantizer.decode(codes);
    const distances = await quantizer.distances(queries, codes);
    expect(distances).toHaveLength(9 * 400);
    let worst = 0;
    for (let q = 0; q < 9; q++)
      for (let i = 0; i < 400; i++) {
        const exact = squaredDistance(row(queries, q, dimensions), row(decoded, i, dimensions));
        worst = Math.max(worst, Math.abs(distances[q * 400 + i] - exact) / (exact + 1e-3));
      }
    expect(worst).toBeLessThan(1e-5);
  });

  test('more queries and codes than one run takes are split', async () => {
    const vectors = new Random(1).rows('normal', 200, 2);
    using quantizer = await ProductQuantizer.train(device(), vectors, { dimensions: 2, subspaces: 2, bits: 4 });
    const codes = (await quantizer.encode(vectors)).subarray(0, 3);
    const many = new Random(2).rows('normal', 66_000, 2);
    const last = many.slice(-20);
    const distances = await quantizer.distances(many, codes);
    expect(distances).toHaveLength(3 * 66_000);
    expect(distances.slice(-30)).toEqual(await quantizer.distances(last, codes));
    const manyCodes = await quantizer.encode(many);
    expect(manyCodes.slice(-10)).toEqual(await quantizer.encode(last));
    const lastCodes = manyCodes.slice(-10);
    const query = many.subarray(0, 2);
    expect((await quantizer.distances(query, manyCodes)).slice(-10)).toEqual(
      await quantizer.distances(query, lastCodes),
    );
    expect((await quantizer.decode(manyCodes)).slice(-20)).toEqual(await quantizer.decode(lastCodes));
  });

  test('a device with small bindings gives the same', async () => {
    const vectors = new Random(3).rows('normal', 3000, 24);
    const options = { dimensions: 24, subspaces: 6, iterations: 2 };
    using small = await kind.open({ maxBindingBytes: 64 << 10 });
    using begun = await ProductQuantizer.train(device(), vectors, options);
    const init = await begun.codebooks();
    using onSmall = await ProductQuantizer.train(small, vectors, { ...options, init });
    using onLarge = await ProductQuantizer.train(device(), vectors, { ...options, init });
    const expected = await onLarge.codebooks();
    for (const [i, x] of (await onSmall.codebooks()).entries()) expect(x).toBeCloseTo(expected[i], 4);
    const codes = await onSmall.encode(vectors);
    const decoded = await onSmall.decode(codes);
    const distances = await onSmall.distances(vectors.subarray(0, 24 * 200), codes);
    for (let i = 0; i < distances.length; i += 997) {
      const exact = squaredDistance(row(vectors, Math.floor(i / 3000), 24), row(decoded, i % 3000, 24));
      expect(distances[i]).toBeCloseTo(exact, 3);
    }
  });

  test('fewer vectors than codewords work, with a warning of the device', async () => {
    const vectors = new Random(4).rows('normal', 30, 8);
    const onWarning = vi.fn();
    using warned = await kind.open({ onWarning });
    using trained = await ProductQuantizer.train(warned, vectors, { dimensions: 8, subspaces: 4, iterations: 10 });
    const message = 'ProductQuantizer.train: 30 vectors for 256 clusters; some will repeat or stay empty';
    expect(onWarning.mock.calls).toEqual([[message, 'WAVETILE_FEW_VECTORS']]);
    expect((await trained.codebooks()).every(Number.isFinite)).toBe(true);
    const decoded = await trained.decode(await trained.encode(vectors));
    expect(squaredDistance(decoded, vectors)).toBeLessThan(1e-3);
  });

  test('enough vectors give no warning', async () => {
    const vectors = new Random(5).rows('normal', 16, 4);
    const options = { dimensions: 4, subspaces: 2, bits: 4 } as const;
    const onWarning = vi.fn();
    using quiet = await kind.open({ onWarning });
    using _trained = await ProductQuantizer.train(quiet, vectors, options);
    expect(onWarning).not.toHaveBeenCalled();
  });

  test('the same seed gives the same bytes, another seed others', async () => {
    const vectors = new Random(6).rows('normal', 1000, 12);
    const train = async (seed: number) => {
      const options = { dimensions: 12, subspaces: 3, bits: 4, iterations: 5, seed } as const;
      using quantizer = await ProductQuantizer.train(device(), vectors, options);
      return quantizer.codebooks();
    };
    const first = await train(1);
    expect(await train(1)).toEqual(first);
    expect(await train(2)).not.toEqual(first);
  });

  test('the objective is the error of all parts, and k-means++ and given codewords work too', async () => {
    const vectors = new Random(7).rows('clustered', 500, 8);
    const options = { dimensions: 8, subspaces: 4, bits: 4, iterations: 6, tolerance: 0 } as const;
    for (const init of ['random', 'k-means++'] as const) {
      using quantizer = await ProductQuantizer.train(device(), vectors, { ...options, init });
      expect(quantizer.history).toHaveLength(6);
      const objectives = quantizer.history.map(({ objective }) => objective);
      for (let i = 1; i < 6; i++) expect(objectives[i]).toBeLessThanOrEqual(objectives[i - 1] * (1 + 1e-6));
      const trained = await quantizer.codebooks();
      using again = await ProductQuantizer.train(device(), vectors, { ...options, init: trained, iterations: 1 });
      const decoded = await quantizer.decode(await quantizer.encode(vectors));
      expect(again.history[0].objective / squaredDistance(decoded, vectors)).toBeCloseTo(1, 4);
    }
  });

  test('a tensor is trained on and encoded as an array is', async () => {
    const vectors = new Random(8).rows('normal', 300, 6);
    const options = { dimensions: 6, subspaces: 2, bits: 4, iterations: 3 } as const;
    using tensor = await device().tensorFrom(vectors);
    using fromTensor = await ProductQuantizer.train(device(), tensor, options);
    using fromArray = await ProductQuantizer.train(device(), vectors, options);
    expect(await fromTensor.codebooks()).toEqual(await fromArray.codebooks());
    expect(await fromTensor.encode(tensor)).toEqual(await fromArray.encode(vectors));
  });

  test('aborting rejects with the reason', async () => {
    const vectors = new Random(9).rows('normal', 500, 6);
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const options = { dimensions: 6, subspaces: 2, bits: 4, iterations: 50, tolerance: 0 } as const;
    const training = ProductQuantizer.train(device(), vectors, { ...options, signal: controller.signal, onProgress });
    await expect(training).rejects.toThrow('enough');
    using quantizer = await ProductQuantizer.train(device(), vectors, { ...options, iterations: 1 });
    const signal = AbortSignal.abort(new Error('never began'));
    const codes = await quantizer.encode(vectors);
    await expect(quantizer.encode(vectors, { signal })).rejects.toThrow('never began');
    await expect(quantizer.decode(codes, { signal })).rejects.toThrow('never began');
    await expect(quantizer.distances(vectors, codes, { signal })).rejects.toThrow('never began');
  });

  describe('bad input', () => {
    const vectors = new Random(10).rows('normal', 40, 6);
    const options = { dimensions: 6, subspaces: 3, bits: 4, iterations: 1 } as const;

    test.each([
      [{ ...options, dimensions: 7, subspaces: 7 }, /whole vectors of 7 dimensions/],
      [{ ...options, subspaces: 4 }, /subspaces must divide dimensions \(6\), got 4/],
      [{ ...options, subspaces: 0 }, /subspaces must be/],
      [{ ...options, subspaces: 7 }, /subspaces must be/],
      [{ ...options, bits: 5 }, /bits must be 4 or 8, got 5/],
      [{ ...options, bits: '8' }, /bits must be 4 or 8, got '8'/],
      [{ ...options, codewords: 0 }, /codewords must be an integer from 1 to 16, got 0/],
      [{ ...options, codewords: 17 }, /codewords must be an integer from 1 to 16, got 17/],
      [{ ...options, init: new Float32Array(5) }, /init must hold/],
      [{ ...options, init: 'kmeans' }, /init must be/],
      [{ ...options, iterations: 0 }, /iterations must be/],
      [{ ...options, onProgress: 3 }, /onProgress must be a function/],
      [{ ...options, subspace: 3 }, /did you mean 'subspaces'/],
    ])('training with %o is refused', (wrong, message) => {
      expect(() => ProductQuantizer.train(device(), vectors, wrong as never)).toThrow(message);
    });

    test('wrong arrays are refused, a NaN is named, and the quantizer stays usable', async () => {
      using quantizer = await ProductQuantizer.train(device(), vectors, options);
      const codes = await quantizer.encode(vectors);
      expect(() => quantizer.encode(vectors.subarray(1))).toThrow(/whole vectors of 6 dimensions, got 239/);
      expect(() => quantizer.encode(new Float32Array(0))).toThrow(/must not be empty/);
      expect(() => quantizer.encode([1, 2] as never)).toThrow(TypeError);
      expect(() => quantizer.encode(vectors, { sginal: 1 } as never)).toThrow(/did you mean 'signal'/);
      expect(() => quantizer.decode(codes.subarray(1))).toThrow(/whole codes of 2 bytes, got 79 bytes/);
      expect(() => quantizer.decode(new Uint8Array(0))).toThrow(RangeError);
      expect(() => quantizer.decode(vectors as never)).toThrow(/codes must be a Uint8Array/);
      expect(() => quantizer.distances(vectors.subarray(0, 5), codes)).toThrow(/whole vectors/);
      expect(() => quantizer.distances(vectors, codes.subarray(1))).toThrow(/whole codes/);
      const spoilt = vectors.slice();
      spoilt[6 * 31 + 5] = Number.NaN;
      for (const work of [quantizer.encode(spoilt), quantizer.distances(spoilt, codes)])
        await expect(work).rejects.toThrow(/vector 31 has a number that is NaN/);
      await expect(ProductQuantizer.train(device(), spoilt, options)).rejects.toThrow(/vector 31 has/);
      expect(await quantizer.encode(vectors)).toEqual(codes);
    });

    test('codes that name no codeword are refused', async () => {
      using quantizer = await ProductQuantizer.train(device(), vectors, { ...options, codewords: 10 });
      const message = /codes must be below 10, the number of codewords, got 1[0-5]/;
      for (const wrong of [Uint8Array.of(0x0a, 0), Uint8Array.of(0xb0, 0), Uint8Array.of(0, 0, 0, 0x0f)]) {
        expect(() => quantizer.decode(wrong)).toThrow(message);
        expect(() => quantizer.distances(vectors, wrong)).toThrow(message);
      }
      const codebooks = await quantizer.codebooks();
      const expected = decode(Uint8Array.of(0x99, 0x09), { ...options, codebooks });
      expect(await quantizer.decode(Uint8Array.of(0x99, 0xf9))).toEqual(expected); // the last half byte means nothing
    });

    test('a disposed one says so', async () => {
      const quantizer = await ProductQuantizer.train(device(), vectors, options);
      quantizer.dispose();
      quantizer.dispose();
      const disposed = expect.objectContaining({ code: 'DISPOSED' });
      expect(() => quantizer.encode(vectors)).toThrow(disposed);
      expect(() => quantizer.decode(new Uint8Array(2))).toThrow(disposed);
      expect(() => quantizer.distances(vectors, new Uint8Array(2))).toThrow(disposed);
      expect(() => quantizer.codebooks()).toThrow(disposed);
    });
  });
});
