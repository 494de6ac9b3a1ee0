import { describe, expect, test } from 'vitest';
import { Device, KMeans } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';

const DIMENSIONS = 12;

/** `clusters` tight clouds of `each` points around far-apart centres. */
function clouds(clusters: number, each: number, seed = 1): Float32Array {
  const random = new Random(seed);
  const centres = random.rows('uniform', clusters, DIMENSIONS);
  const points = new Float32Array(clusters * each * DIMENSIONS);
  for (let i = 0; i < clusters * each; i++)
    for (let d = 0; d < DIMENSIONS; d++)
      points[i * DIMENSIONS + d] = 100 * centres[(i % clusters) * DIMENSIONS + d] + 0.01 * random.normal();
  return points;
}

function objectiveOf(points: Float32Array, centroids: Float32Array): number {
  let total = 0;
  for (let i = 0; i < points.length; i += DIMENSIONS) {
    let best = Infinity;
    for (let c = 0; c < centroids.length; c += DIMENSIONS) {
      let sum = 0;
      for (let d = 0; d < DIMENSIONS; d++) sum += (points[i + d] - centroids[c + d]) ** 2;
      best = Math.min(best, sum);
    }
    total += best;
  }
  return total;
}

describeDevices('k-means', (device) => {
  test('k-means++ finds well-separated clouds', async () => {
    const points = clouds(10, 100);
    using kmeans = await KMeans.train(device(), points, { dimensions: DIMENSIONS, clusters: 10, init: 'k-means++' });
    const { labels } = await kmeans.assign(points);
    for (let i = 10; i < labels.length; i++) expect(labels[i]).toBe(labels[i - 10]);
    expect(new Set(labels)).toHaveProperty('size', 10);
  });

  test('the objective never rises, and is what the centroids give', async () => {
    const points = new Random(3).rows('normal', 1500, DIMENSIONS);
    using kmeans = await KMeans.train(device(), points, {
      dimensions: DIMENSIONS,
      clusters: 20,
      tolerance: 0,
      iterations: 8,
    });
    const objectives = kmeans.history.map(({ objective }) => objective);
    for (let i = 1; i < objectives.length; i++)
      expect(objectives[i]).toBeLessThanOrEqual(objectives[i - 1] * (1 + 1e-6));
    const { distances } = await kmeans.assign(points);
    const exact = objectiveOf(points, await kmeans.centroids());
    expect(distances.reduce((sum, d) => sum + d, 0) / exact).toBeCloseTo(1, 4);
  });

  test('the same seed gives the same bytes, another seed others', async () => {
    const points = new Random(4).rows('normal', 3000, DIMENSIONS);
    const train = async (seed: number) => {
      using kmeans = await KMeans.train(device(), points, {
        dimensions: DIMENSIONS,
        clusters: 50,
        iterations: 5,
        seed,
      });
      return kmeans.centroids();
    };
    const first = await train(1);
    expect(await train(1)).toEqual(first);
    expect(await train(2)).not.toEqual(first);
  });

  test('given centroids are used', async () => {
    const points = clouds(4, 50);
    const init = points.slice(0, 4 * DIMENSIONS);
    using kmeans = await KMeans.train(device(), points, { dimensions: DIMENSIONS, clusters: 4, init, iterations: 3 });
    const { labels } = await kmeans.assign(points);
    expect(labels.subarray(0, 4)).toEqual(Uint32Array.of(0, 1, 2, 3));
  });

  test('empty clusters get half of a large one', async () => {
    const points = clouds(8, 64);
    const init = new Float32Array(8 * DIMENSIONS).fill(1e4); // all but the first tie are empty
    const repaired: number[] = [];
    const onProgress = (progress: { repaired: number }) => void repaired.push(progress.repaired);
    using kmeans = await KMeans.train(device(), points, {
      dimensions: DIMENSIONS,
      clusters: 8,
      init,
      iterations: 30,
      onProgress,
    });
    expect(repaired[0]).toBe(7);
    const { labels } = await kmeans.assign(points);
    expect(new Set(labels).size).toBe(8);
  });

  test('spherical k-means returns centroids of length 1 and similarities', async () => {
    const points = new Random(5).rows('normal', 800, DIMENSIONS);
    using kmeans = await KMeans.train(device(), points, { dimensions: DIMENSIONS, clusters: 16, metric: 'cosine' });
    const centroids = await kmeans.centroids();
    for (let c = 0; c < 16; c++)
      expect(Math.hypot(...centroids.subarray(c * DIMENSIONS, (c + 1) * DIMENSIONS))).toBeCloseTo(1, 5);
    const { distances } = await kmeans.assign(points);
    for (const similarity of distances) expect(Math.abs(similarity)).toBeLessThanOrEqual(1 + 1e-5);
  });

  test('data larger than the memory limit is streamed and gives the same clustering', async () => {
    const points = clouds(6, 4000, 7);
    const options = {
      dimensions: DIMENSIONS,
      clusters: 6,
      init: points.slice(0, 6 * DIMENSIONS),
      iterations: 4,
      tolerance: 0,
    };
    using whole = await KMeans.train(device(), points, options);
    const { backend } = device().info;
    using small = await Device.open({ backend, memoryLimitBytes: 2 << 20 });
    using streamed = await KMeans.train(small, points, options);
    const [a, b] = [await whole.centroids(), await streamed.centroids()];
    for (const [i, x] of a.entries()) expect(b[i]).toBeCloseTo(x, 2); // the chunks' sums round otherwise
  });

  test('a tensor on the device is clustered as an array is', async () => {
    const points = clouds(5, 100);
    const options = { dimensions: DIMENSIONS, clusters: 5, seed: 3, iterations: 4 };
    using tensor = await device().tensorFrom(points);
    using fromTensor = await KMeans.train(device(), tensor, options);
    using fromArray = await KMeans.train(device(), points, options);
    expect(await fromTensor.centroids()).toEqual(await fromArray.centroids());
  });

  test('aborting rejects with the reason, and the device holds no more memory than before', async () => {
    const points = new Random(6).rows('normal', 4000, DIMENSIONS);
    const before = device().memory().liveBytes;
    const controller = new AbortController();
    const onProgress = ({ done }: { done: number }) => {
      if (done === 2) controller.abort(new Error('enough'));
    };
    const options = {
      dimensions: DIMENSIONS,
      clusters: 64,
      iterations: 50,
      tolerance: 0,
      signal: controller.signal,
      onProgress,
    };
    await expect(KMeans.train(device(), points, options)).rejects.toThrow('enough');
    await device().tensor('f32', [1]).read();
    expect(device().memory().liveBytes).toBeLessThanOrEqual(before + 4096);
  });

  describe('bad input', () => {
    const points = clouds(4, 8);
    const options = { dimensions: DIMENSIONS, clusters: 4 };

    test('a vector with NaN or infinity is named', async () => {
      for (const bad of [Number.NaN, Infinity, -Infinity]) {
        const spoilt = points.slice();
        spoilt[7 * DIMENSIONS + 3] = bad;
        await expect(KMeans.train(device(), spoilt, options)).rejects.toThrow(/vector 7 has a number that is NaN/);
      }
    });

    test.each([
      [{ ...options, dimensions: 5 }, /whole vectors of 5 dimensions/],
      [{ ...options, clusters: 0 }, /clusters must be/],
      [{ ...options, clusters: 1.5 }, /clusters must be/],
      [{ ...options, metric: 'l1' }, /metric must be/],
      [{ ...options, iterations: 0 }, /iterations must be/],
      [{ ...options, tolerance: Number.NaN }, /tolerance must be/],
      [{ ...options, init: new Float32Array(3) }, /init must hold/],
      [{ ...options, cluster: 4 }, /did you mean 'clusters'/],
    ])('%o is refused', (wrong, message) => {
      expect(() => KMeans.train(device(), points, wrong as never)).toThrow(message);
    });

    test('an empty array and a wrong type are refused', () => {
      expect(() => KMeans.train(device(), new Float32Array(0), options)).toThrow(/must not be empty/);
      expect(() => KMeans.train(device(), [1, 2] as never, options)).toThrow(/must be a Float32Array/);
      expect(() => KMeans.train({} as never, points, options)).toThrow(/device must be a Device/);
    });

    test('a disposed one says so', async () => {
      const kmeans = await KMeans.train(device(), points, options);
      kmeans.dispose();
      kmeans.dispose();
      expect(() => kmeans.assign(points)).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    });
  });
});
