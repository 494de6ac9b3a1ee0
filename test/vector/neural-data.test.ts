// The trained codec against PCA with int8 codes of the same size, on real vectors.
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Device, NeuralCodec, readNpy } from '../../src/index.js';
import { principalDirections } from '../../src/vector/neural-codec-linear.js';
import { Random } from '../../src/vector/random.js';
import { Turns } from '../../src/vector/turns.js';
import { describeDevices } from '../support/devices.js';
import { skipped } from '../support/skipped.js';
import { readSift, SIFT_MISSING } from './sift.js';

interface Shape {
  dimensions: number;
  latentDimensions: number;
}

/** Projection on the principal directions and back, with a scale for each vector. */
async function pcaCodec(device: Device, vectors: Float32Array, shape: Shape): Promise<NeuralCodec> {
  const { dimensions, latentDimensions: count } = shape;
  const rows = vectors.length / dimensions;
  const mean = new Float32Array(dimensions);
  for (let i = 0; i < vectors.length; i++) mean[i % dimensions] += vectors[i] / rows;
  using data = await device.tensorFrom(vectors.map((x, i) => x - mean[i % dimensions]));
  const options = { rows, dimensions, count, random: new Random(1), turns: new Turns(undefined) };
  const basis = await principalDirections(device, data, options);
  const weights = Float32Array.from(basis.flatMap((row) => [...row]));
  const back = Float32Array.from({ length: weights.length }, (_, i) => basis[i % count][Math.floor(i / count)]);
  const shift = Float32Array.from(basis, (row) => -row.reduce((sum, x, d) => sum + x * mean[d], 0));
  const layers = { encoder: [{ weights, bias: shift }], decoder: [{ weights: back, bias: mean }] };
  return NeuralCodec.fromWeights(device, { dimensions, latentDimensions: count, ...layers });
}

interface Training extends Shape {
  epochs: number;
  learningRate?: number;
}

async function compare(device: Device, vectors: Float32Array, training: Training, what: string): Promise<void> {
  using pca = await pcaCodec(device, vectors, training);
  using codec = await NeuralCodec.train(device, vectors, { ...training, seed: 1 });
  const [plain, trained] = [await pca.metrics(vectors), await codec.metrics(vectors)];
  console.log(`${what}: PCA ${JSON.stringify(plain)}, trained ${JSON.stringify(trained)}`);
  expect(trained.mse).toBeLessThan(plain.mse);
  expect(trained.cosine).toBeGreaterThan(plain.cosine);
}

describeDevices('the trained codec', (device) => {
  describe.skipIf(SIFT_MISSING)(`on SIFT10K${skipped(SIFT_MISSING)}`, () => {
    test('reconstructs 10,000 vectors of 128 numbers from 32 bytes better than PCA with int8', async () => {
      const { base } = await readSift();
      await compare(device(), base, { dimensions: 128, latentDimensions: 32, epochs: 5 }, 'SIFT10K 128 to 32');
    });
  });

  test('reconstructs 5,000 embedded passages of 256 numbers from 64 bytes better than PCA with int8', async () => {
    const path = fileURLToPath(new URL('../fixtures/demo-embed-passages.npy', import.meta.url));
    const { data, dimensions } = await readNpy(path);
    expect(dimensions).toBe(256);
    const training = { dimensions, latentDimensions: 64, epochs: 30, learningRate: 1e-4 };
    await compare(device(), data as Float32Array, training, 'passages 256 to 64');
  });
});
