// The neural codec: per-vector scales, training against PCA, formats of input and output, reuse of memory, bad input.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NeuralCodec } from '../../src/vector/neural-codec.js';
import { randomDirections } from '../../src/vector/neural-codec-linear.js';
import type { NeuralCodecTrainOptions } from '../../src/vector/neural-codec-options.js';
import { Random as SeededRandom } from '../../src/vector/random.js';
import { Turns } from '../../src/vector/turns.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { skipped, unlessOn } from '../support/skipped.js';

/** Vectors of a subspace of `rank` dimensions, and a codec whose layers are that subspace's basis. */
async function subspace(dimensions: number, rank: number) {
  const basis = await randomDirections(rank, dimensions, new SeededRandom(5), new Turns(undefined));
  const encoder = new Float32Array(rank * dimensions);
  const decoder = new Float32Array(rank * dimensions);
  for (const [l, row] of basis.entries()) {
    encoder.set(row, l * dimensions);
    for (let d = 0; d < dimensions; d++) decoder[d * rank + l] = row[d];
  }
  const vector = (latent: ArrayLike<number>) =>
    Float32Array.from({ length: dimensions }, (_, d) => basis.reduce((sum, row, l) => sum + row[d] * latent[l], 0));
  return { layers: { encoder: [{ weights: encoder }], decoder: [{ weights: decoder }] }, vector };
}

function relativeError(a: Float32Array, b: Float32Array): number {
  return Math.hypot(...a.map((x, i) => x - b[i])) / Math.hypot(...a);
}

const smooth = (count: number, dimensions: number, seed = 1) => {
  const random = new Random(seed);
  const mix = new Random(77).rows('normal', 6, dimensions);
  const rows = new Float32Array(count * dimensions);
  for (let i = 0; i < count; i++) {
    const weights = random.rows('normal', 1, 6);
    for (let d = 0; d < dimensions; d++) {
      rows[i * dimensions + d] = 0.1 * random.normal() + 3;
      for (let m = 0; m < 6; m++) rows[i * dimensions + d] += weights[m] * mix[m * dimensions + d];
    }
  }
  return rows;
};

describeDevices('a neural codec', (device, kind) => {
  const onlyCpu = unlessOn('cpu', kind.backend);
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wavetile-codec-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('vectors with norms from 1e-3 to 1e3 each come back within 3 %', async () => {
    const { layers, vector } = await subspace(768, 128);
    using codec = await NeuralCodec.fromWeights(device(), { ...NeuralCodec.presets['768-128'], ...layers });
    const random = new Random(3);
    const vectors = Array.from({ length: 61 }, (_, i) => {
      const latent = random.rows('normal', 1, 128);
      const size = 10 ** (-3 + i / 10) / Math.hypot(...latent);
      return vector(latent.map((x) => x * size));
    });
    const flat = Float32Array.from(vectors.flatMap((row) => [...row]));
    const encoded = await codec.encode(flat);
    const restored = await codec.decode(encoded);
    for (const [i, row] of vectors.entries()) expect(relativeError(row, restored[i]), `vector ${i}`).toBeLessThan(0.03);
    expect(restored[1].buffer).toBe(restored[0].buffer);
    expect(await codec.decodeFlat(encoded)).toEqual(Float32Array.from(restored.flatMap((row) => [...row])));
  });

  test('training lowers the error, and the same seed gives the same bytes', async () => {
    const vectors = smooth(600, 20);
    const options = { dimensions: 20, latentDimensions: 6, epochs: 4, seed: 9 };
    using first = await NeuralCodec.train(device(), vectors, options);
    using second = await NeuralCodec.train(device(), vectors, options);
    using third = await NeuralCodec.train(device(), vectors, { ...options, seed: 10 });
    expect(second.weights()).toEqual(first.weights());
    expect(third.weights()).not.toEqual(first.weights());
    expect(first.history).toHaveLength(5);
    const { mse, cosine, snr, ratio } = await first.metrics(vectors);
    expect(mse).toBeLessThan(0.012);
    expect(mse / Math.min(...first.history.map((progress) => progress.mse))).toBeCloseTo(1, 1);
    expect(cosine).toBeGreaterThan(0.99);
    expect(snr).toBeGreaterThan(20);
    expect(ratio).toBe(8);
  });

  async function expectLearning(layers: Partial<NeuralCodecTrainOptions>): Promise<void> {
    const vectors = smooth(512, 12);
    const options = { dimensions: 12, latentDimensions: 8, epochs: 12, learningRate: 5e-3, ...layers };
    using codec = await NeuralCodec.train(device(), vectors, options);
    const errors = codec.history.map(({ mse }) => mse);
    expect(Math.min(...errors)).toBeLessThan(errors[0] / 3);
    expect((await codec.metrics(vectors)).mse / Math.min(...errors)).toBeCloseTo(1, 1);
  }

  test.each([
    { hidden: [24], activation: 'relu' as const },
    { hidden: [20, 12], activation: 'relu' as const, latentRelu: true, epochs: 60 },
  ])('hidden layers learn: %o', expectLearning);

  test.skipIf(onlyCpu)(`hidden layers of GELU learn${skipped(onlyCpu)}`, () =>
    expectLearning({ hidden: [24], activation: 'gelu' }),
  );

  test('normalized latents learn directions', async () => {
    const vectors = smooth(512, 12);
    for (let i = 0; i < vectors.length; i += 12) {
      const size = Math.hypot(...vectors.subarray(i, i + 12));
      for (let d = 0; d < 12; d++) vectors[i + d] /= size;
    }
    const shape = { dimensions: 12, latentDimensions: 5, normalize: true, bias: false };
    using codec = await NeuralCodec.train(device(), vectors, { ...shape, epochs: 10, learningRate: 1e-3 });
    const errors = codec.history.map(({ mse }) => mse);
    expect(Math.min(...errors)).toBeLessThan(errors[0]);
    expect((await codec.metrics(vectors)).cosine).toBeGreaterThan(0.95);
    const twice = await codec.encode(vectors.map((x) => x * 2));
    expect(twice.codes).toEqual((await codec.encode(vectors)).codes);
  });

  test('codes do not depend on how many vectors come at once, nor on tensors or arrays', async () => {
    const vectors = smooth(300, 21);
    using codec = await NeuralCodec.train(device(), vectors, { dimensions: 21, latentDimensions: 7, epochs: 1 });
    const whole = await codec.encode(vectors);
    const one = await codec.encode(vectors.subarray(21 * 140, 21 * 141));
    expect(one.codes).toEqual(whole.codes.subarray(7 * 140, 7 * 141));
    expect(one.scales[0]).toBe(whole.scales[140]);
    using tensor = await device().tensorFrom(vectors);
    expect(await codec.encode(tensor)).toEqual(whole);
    using codes = device().tensor('i8', [300 * codec.codeStride]);
    using scales = device().tensor('f32', [300]);
    await codec.encodeTo(tensor, { codes, scales });
    expect(await scales.read()).toEqual(whole.scales);
    expect(((await codes.read()) as Int8Array).subarray(8, 15)).toEqual(whole.codes.subarray(7, 14));
    using restored = device().tensor('f32', [300 * 21]);
    await codec.decodeTo({ codes, scales }, restored);
    expect(await restored.read()).toEqual(await codec.decodeFlat(whole));
  });

  test('repeated calls allocate nothing, and out is filled', async () => {
    const { layers } = await subspace(64, 16);
    using codec = await NeuralCodec.fromWeights(device(), { dimensions: 64, latentDimensions: 16, ...layers });
    const vectors = new Random(8).rows('normal', 100, 64);
    const out = { codes: new Int8Array(1600), scales: new Float32Array(100) };
    const restored = new Float32Array(6400);
    const work = async () => {
      const encoded = await codec.encode(vectors, { out });
      expect(encoded.codes).toBe(out.codes);
      expect(await codec.decodeFlat(encoded, { out: restored })).toBe(restored);
    };
    for (let i = 0; i < 5; i++) await work();
    const { allocations } = device().memory();
    for (let i = 0; i < 20; i++) await work();
    expect(device().memory().allocations).toBe(allocations);
  });

  test('a zero vector has code zero, and calls at the same time do not mix', async () => {
    const { layers } = await subspace(32, 8);
    using codec = await NeuralCodec.fromWeights(device(), { dimensions: 32, latentDimensions: 8, ...layers });
    const zero = await codec.encode(new Float32Array(32));
    expect(zero).toEqual({ codes: new Int8Array(8), scales: new Float32Array(1), count: 1, latentDimensions: 8 });
    expect(await codec.decodeFlat(zero)).toEqual(new Float32Array(32));
    const inputs = Array.from({ length: 6 }, (_, i) => new Random(i + 1).rows('normal', 5, 32));
    const apart = [];
    for (const input of inputs) apart.push(await codec.encode(input));
    expect(await Promise.all(inputs.map((input) => codec.encode(input)))).toEqual(apart);
  });

  test('a saved codec comes back with the same bytes, and a damaged file is refused', async () => {
    const vectors = smooth(300, 12);
    using codec = await NeuralCodec.train(device(), vectors, {
      dimensions: 12,
      latentDimensions: 5,
      hidden: [9],
      epochs: 1,
    });
    const path = join(folder, `${device().info.backend}.safetensors`);
    await codec.save(path);
    using loaded = await NeuralCodec.load(device(), path);
    expect(await loaded.encode(vectors)).toEqual(await codec.encode(vectors));
    const bytes = await readFile(path);
    const damaged = join(folder, `${device().info.backend}.damaged`);
    const refused = async (content: Uint8Array) => {
      await writeFile(damaged, content);
      await expect(NeuralCodec.load(device(), damaged)).rejects.toMatchObject({ code: 'INVALID_FILE' });
    };
    for (const length of [0, 4, 8, 40, bytes.length - 1]) await refused(bytes.subarray(0, length));
    await refused(Buffer.concat([bytes, Buffer.alloc(1)]));
    for (const at of [0, 7, 8, 30, bytes.length - 3]) {
      const flipped = Buffer.from(bytes);
      flipped[at] ^= 0x55;
      await refused(flipped);
    }
    const text = bytes.toString('latin1');
    for (const [from, to] of [
      ['"F32"', '"F16"'],
      ['[9,12]', '[12,9]'],
      ['neural-codec', 'neural-cadec'],
      ['latentDimensions', 'latentDimensionz'],
    ])
      await refused(Buffer.from(text.replace(from, to), 'latin1'));
  });

  test('aborting rejects with the reason', async () => {
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done === 1) controller.abort(new Error('enough'));
    };
    const options = { dimensions: 12, latentDimensions: 4, epochs: 500, signal: controller.signal, onProgress };
    await expect(NeuralCodec.train(device(), smooth(256, 12), options)).rejects.toThrow('enough');
  });

  describe('bad input', () => {
    const shape = { dimensions: 8, latentDimensions: 4 };
    const vectors = smooth(16, 8);

    test.each([
      [{ ...shape, latentDimensions: 9 }, /latentDimensions must be an integer from 1 to 8/],
      [{ ...shape, dimensions: 0 }, /dimensions must be/],
      [{ ...shape, dimensions: 5 }, /whole vectors of 5 dimensions/],
      [{ ...shape, epochs: -1 }, /epochs must be/],
      [{ ...shape, hidden: [0] }, /hidden\[0\] must be/],
      [{ ...shape, hidden: 3 }, /hidden must be an array/],
      [{ ...shape, activation: 'tanh' }, /activation must be/],
      [{ ...shape, learningRate: Number.NaN }, /learningRate must be/],
      [{ ...shape, latent: 4 }, /unknown option 'latent'/],
      [undefined, /options must be an object/],
    ])('training with %o is refused', (options, message) => {
      expect(() => NeuralCodec.train(device(), vectors, options as never)).toThrow(message);
    });

    test('NaN and infinity are named, in training and in encoding', async () => {
      using codec = await NeuralCodec.train(device(), vectors, { ...shape, epochs: 0 });
      using deep = await NeuralCodec.train(device(), vectors, { ...shape, hidden: [6], epochs: 0 });
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const spoilt = vectors.slice();
        spoilt[8 * 7 + 3] = bad;
        await expect(NeuralCodec.train(device(), spoilt, shape)).rejects.toThrow(/vector 7 has a number that is NaN/);
        await expect(codec.encode(spoilt)).rejects.toThrow(/vector 7 has a number that is NaN/);
        await expect(deep.encode(spoilt)).rejects.toThrow(/vector 7 has a number that is NaN/);
      }
    });

    test('arguments of the wrong kind throw at once, by the name of the method', async () => {
      expect(() => NeuralCodec.load({} as never, 'never-read.safetensors')).toThrow(
        /^NeuralCodec.load: device must be a Device/,
      );
      expect(() => NeuralCodec.load(device(), 5 as never)).toThrow(/^NeuralCodec.load: path must be/);
      expect(() => NeuralCodec.train(device(), vectors, { ...shape, onProgress: 5 as never })).toThrow(
        /^NeuralCodec.train: onProgress must be a function, got 5/,
      );
      expect(() => NeuralCodec.fromWeights(device(), null as never)).toThrow(/options must be an object, got null/);
      const layer = { weights: new Float32Array(32) };
      using codec = await NeuralCodec.fromWeights(device(), { ...shape, encoder: [layer], decoder: [layer] });
      expect(() => codec.decode(undefined as never)).toThrow(/^NeuralCodec.decode: encoded must be an object/);
      using other = await kind.open();
      using tensor = device().tensor('f32', [2, 8]);
      using scales = device().tensor('f32', [2]);
      using foreign = other.tensor('i8', [8]);
      expect(() => codec.encodeTo(tensor, { codes: foreign, scales })).toThrow(
        /^NeuralCodec.encodeTo: codes must be a tensor of the same device/,
      );
      expect(() => codec.encodeTo(tensor, { codes: scales, scales })).toThrow(
        /codes must be a Tensor of i8, got one of f32/,
      );
    });

    test('weights and codes of another shape are refused', async () => {
      const layer = { weights: new Float32Array(32) };
      const layers = { encoder: [layer], decoder: [layer] };
      const wrong = (options: object) => () =>
        NeuralCodec.fromWeights(device(), { ...shape, ...layers, ...options } as never);
      expect(wrong({ encoder: [{ weights: new Float32Array(31) }] })).toThrow(
        /encoder\[0\].weights must have 32 numbers/,
      );
      expect(wrong({ encoder: [layer, layer] })).toThrow(/encoder must have 1 layers/);
      expect(wrong({ decoder: [{ ...layer, bias: new Float32Array(7) }] })).toThrow(/decoder\[0\].bias must have 8/);
      expect(wrong({ decoder: [{ weights: new Float32Array(32).fill(Number.NaN) }] })).toThrow(/finite/);
      using codec = await NeuralCodec.fromWeights(device(), { ...shape, ...layers });
      const codes = new Int8Array(8);
      const scales = new Float32Array(2);
      const decode = (encoded: object) => () => codec.decode(encoded as never);
      expect(decode({ codes: new Int8Array(7), scales, count: 2, latentDimensions: 4 })).toThrow(/codes must have 8/);
      expect(decode({ codes, scales, count: 3, latentDimensions: 4 })).toThrow(/count must be 2/);
      expect(decode({ codes, scales, count: 2, latentDimensions: 5 })).toThrow(/latentDimensions must be 4/);
      expect(decode({ codes, scales: scales.map(() => Number.NaN), count: 2, latentDimensions: 4 })).toThrow(/finite/);
      expect(() => codec.encode(vectors, { out: { codes, scales } })).toThrow(/out.codes must have/);
      codec.dispose();
      codec.dispose();
      expect(() => codec.encode(vectors)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    });
  });
});
