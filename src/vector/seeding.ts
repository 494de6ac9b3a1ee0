// First centroids: random rows, k-means++ (Arthur and Vassilvitskii 2007), or those that the user gives.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import type { RowLayout } from './layout.js';
import type { PackedRows } from './packed-rows.js';
import { Random } from './random.js';
import type { TrainingRows } from './training-rows.js';

/** How the first centroids are chosen. */
export type KMeansInit = 'random' | 'k-means++';

const SEED_BLOCK = 1024;
/** Steps of k-means++ in one recorded program: few submissions, yet an abort is noticed soon. */
const STEPS_PER_RUN = 32;

interface SeedingOptions {
  readonly layout: RowLayout;
  readonly clusters: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Fills `centroids` with distinct random rows (with repetitions only where there are fewer rows than clusters). */
export async function seedRandom(rows: TrainingRows, centroids: Tensor, options: SeedingOptions): Promise<void> {
  const { layout, clusters, seed } = options;
  const random = new Random(seed);
  const ids = new Uint32Array(layout.subspaces * clusters);
  for (let m = 0; m < layout.subspaces; m++) {
    const chosen = random.distinct(clusters, rows.count);
    for (let k = 0; k < clusters; k++) ids[m * clusters + k] = chosen[k % chosen.length];
  }
  await rows.gather(ids, clusters, centroids);
}

/** Fills `centroids` by k-means++ over the first chunk of rows: each next one is drawn with probability ∝ its distance. */
export async function seedPlusPlus(
  device: Device,
  rows: PackedRows,
  centroids: Tensor,
  options: SeedingOptions,
): Promise<void> {
  const { subspaces } = options.layout;
  const blocks = Math.ceil(rows.rows / SEED_BLOCK);
  using nearest = device.tensor('f32', [subspaces * rows.rows]);
  using sums = device.tensor('f32', [subspaces * blocks]);
  using steps = device.tensor('u32', [subspaces]);
  const state = { points: rows.tensor, nearest, sums, steps, centroids };
  using first = await device.record((recorder) => {
    recorder.fill(steps, 0).fill(nearest, 0).fill(sums, 0);
    recordChoose(recorder, state, rows.rows, blocks, options);
  });
  await first.run();
  const record = (count: number) =>
    device.record((recorder) => {
      for (let step = 0; step < count; step++) {
        recordDistances(recorder, state, rows.rows, blocks, options);
        recordChoose(recorder, state, rows.rows, blocks, options);
      }
    });
  let left = options.clusters - 1;
  using full = left < STEPS_PER_RUN ? undefined : await record(STEPS_PER_RUN);
  for (; full !== undefined && left >= STEPS_PER_RUN; left -= STEPS_PER_RUN) {
    options.signal?.throwIfAborted();
    await full.run();
  }
  options.signal?.throwIfAborted();
  using last = left === 0 ? undefined : await record(left);
  await last?.run();
}

interface SeedState {
  points: Tensor;
  nearest: Tensor;
  sums: Tensor;
  steps: Tensor;
  centroids: Tensor;
}

function recordDistances(
  recorder: Recorder,
  { points, centroids, steps, nearest, sums }: SeedState,
  rows: number,
  blocks: number,
  { layout }: SeedingOptions,
): void {
  recorder.dispatch('seed_distances', {
    buffers: { points, centroids, steps, nearest, sums },
    params: { rows, chunks: layout.chunks, subspaceChunks: layout.subspaceChunks, blocks },
    grid: [blocks, layout.subspaces],
  });
}

function recordChoose(
  recorder: Recorder,
  { points, centroids, steps, nearest, sums }: SeedState,
  rows: number,
  blocks: number,
  { layout, seed }: SeedingOptions,
): void {
  recorder.dispatch('seed_choose', {
    buffers: { points, nearest, sums, steps, centroids },
    params: { rows, chunks: layout.chunks, subspaceChunks: layout.subspaceChunks, blocks, seed },
    grid: [1, layout.subspaces],
  });
}
