// Search over a codec's codes: the same neighbours as in decoded latents, all metrics, files, bad input.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NeuralCodec } from '../../src/vector/neural-codec.js';
import { NeuralFlatIndex } from '../../src/vector/neural-flat-index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';

const DIMENSIONS = 24;
const LATENT = 10;
const COUNT = 700;
const K = 5;

function layers() {
  const random = new Random(2);
  const encoder = [{ weights: random.rows('normal', LATENT, DIMENSIONS), bias: random.rows('normal', 1, LATENT) }];
  const decoder = [{ weights: random.rows('normal', DIMENSIONS, LATENT) }];
  return { encoder, decoder };
}

function latentOf(vector: Float32Array): Float64Array {
  const [{ weights, bias }] = layers().encoder;
  return Float64Array.from({ length: LATENT }, (_, l) =>
    vector.reduce((sum, x, d) => sum + x * weights[l * DIMENSIONS + d], bias[l]),
  );
}

/** Scores of a query against every stored latent, larger is better. */
function scores(metric: string, query: Float64Array, stored: readonly Float64Array[]): number[] {
  return stored.map((row) => {
    const dot = row.reduce((sum, x, i) => sum + x * query[i], 0);
    if (metric === 'inner-product') return dot;
    if (metric === 'cosine') return dot / Math.hypot(...row) / Math.hypot(...query);
    return -row.reduce((sum, x, i) => sum + (x - query[i]) ** 2, 0);
  });
}

describeDevices('an index of codes', (device) => {
  const vectors = new Random(1).rows('normal', COUNT, DIMENSIONS);
  const queries = new Random(4).rows('normal', 9, DIMENSIONS);
  let codec: NeuralCodec;
  let folder: string;
  beforeAll(async () => {
    codec = await NeuralCodec.fromWeights(device(), { dimensions: DIMENSIONS, latentDimensions: LATENT, ...layers() });
    folder = await mkdtemp(join(tmpdir(), 'wavetile-neural-'));
  });
  afterAll(async () => {
    codec.dispose();
    await rm(folder, { recursive: true });
  });

  test.each(['l2', 'inner-product', 'cosine'] as const)('finds the nearest by %s', async (metric) => {
    using index = NeuralFlatIndex.create(device(), codec, { metric });
    await index.add(vectors.subarray(0, 300 * DIMENSIONS));
    await index.add(vectors.subarray(300 * DIMENSIONS));
    const { codes, scales } = await codec.encode(vectors);
    const stored = Array.from({ length: COUNT }, (_, i) =>
      Float64Array.from(codes.subarray(i * LATENT, (i + 1) * LATENT), (code) => code * scales[i]),
    );
    const { ids, distances } = await index.search(queries, { k: K });
    for (let q = 0; q < 9; q++) {
      const all = scores(metric, latentOf(queries.subarray(q * DIMENSIONS, (q + 1) * DIMENSIONS)), stored);
      const best = [...all].sort((a, b) => b - a);
      for (let i = 0; i < K; i++) {
        const value = metric === 'l2' ? -distances[q * K + i] : distances[q * K + i];
        expect(Math.abs(value - best[i])).toBeLessThan(1e-3 * Math.max(1, Math.abs(best[i])));
        expect(Math.abs(all[Number(ids[q * K + i])] - best[i])).toBeLessThan(1e-3 * Math.max(1, Math.abs(best[i])));
      }
    }
  });

  test('fills up with no id where it has fewer vectors than k, and gives back ids of the caller', async () => {
    using index = NeuralFlatIndex.create(device(), codec);
    expect((await index.search(queries, { k: 2 })).ids).toEqual(new Uint32Array(18).fill(0xffffffff));
    await index.add(vectors.subarray(0, 2 * DIMENSIONS), { ids: BigInt64Array.of(7n, -5n) });
    const { ids } = await index.search(vectors.subarray(0, DIMENSIONS), { k: 3 });
    expect([...ids]).toEqual([7n, -5n, -1n]);
  });

  test('a saved index answers alike with a codec of its own; a damaged one is refused', async () => {
    const path = join(folder, `${device().info.backend}.index`);
    using index = NeuralFlatIndex.create(device(), codec, { metric: 'cosine' });
    await index.add(vectors);
    await index.save(path);
    using loaded = await NeuralFlatIndex.load(device(), path);
    expect(await loaded.search(queries, { k: K })).toEqual(await index.search(queries, { k: K }));
    const bytes = await readFile(path);
    for (const at of [9, 60, 400, bytes.length - 1]) {
      const flipped = Buffer.from(bytes);
      flipped[at] ^= 0x10;
      await writeFile(`${path}.damaged`, flipped);
      await expect(NeuralFlatIndex.load(device(), `${path}.damaged`)).rejects.toMatchObject({ code: 'INVALID_FILE' });
    }
  });

  test('refuses bad input, and a codec that was disposed of', async () => {
    expect(() => NeuralFlatIndex.create(device(), {} as never)).toThrow(/codec must be a NeuralCodec/);
    expect(() => NeuralFlatIndex.create(device(), codec, { metric: 'l1' as never })).toThrow(/metric must be/);
    const layer = { weights: new Float32Array(32) };
    const gone = await NeuralCodec.fromWeights(device(), {
      dimensions: 8,
      latentDimensions: 4,
      encoder: [layer],
      decoder: [layer],
    });
    gone.dispose();
    expect(() => NeuralFlatIndex.create(device(), gone)).toThrow(
      /^NeuralFlatIndex.create: this NeuralCodec was disposed of/,
    );
    using index = NeuralFlatIndex.create(device(), codec);
    const spoilt = vectors.slice(0, 5 * DIMENSIONS);
    spoilt[3 * DIMENSIONS] = Number.NaN;
    await expect(index.add(spoilt)).rejects.toThrow(/vector 3 has a number that is NaN/);
    expect(index.count).toBe(0);
    expect(() => index.search(queries.subarray(1))).toThrow(/whole vectors/);
    index.dispose();
    expect(() => index.search(queries)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });
});
