// The k-means loop shared by KMeans, the product quantizer and the inverted indexes.
import { type Device, sessionOfDevice } from '../runtime/device.js';
import type { Progress } from '../runtime/progress.js';
import type { Tensor } from '../runtime/tensor.js';
import { CentroidTrainer, type PassResult } from './centroid-trainer.js';
import { packedLength, type RowLayout } from './layout.js';
import { type Metric, metricConstants } from './metric.js';
import { packRows } from './packed-rows.js';
import { type KMeansInit, seedPlusPlus, seedRandom } from './seeding.js';
import { TrainingRows } from './training-rows.js';
import type { VectorInput } from './vector-input.js';
import { Workspace } from './workspace.js';

/** One iteration: `done` of at most `total`, from 1 on. */
export interface KMeansProgress extends Progress {
  /** Sum of distances to the nearest centroid before this iteration's update (L2: squared; else minus the similarity). */
  readonly objective: number;
  readonly milliseconds: number;
  /** Empty clusters that were given half of a large one. */
  readonly repaired: number;
}

export interface CentroidTrainingOptions {
  readonly where: string;
  readonly layout: RowLayout;
  readonly clusters: number;
  readonly metric: Metric;
  readonly init: KMeansInit | Float32Array;
  readonly iterations: number;
  readonly tolerance: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: KMeansProgress) => void) | undefined;
}

interface TrainedCentroids {
  /** Packed rows, one per cluster. The caller disposes of it. */
  readonly centroids: Tensor;
  readonly history: readonly KMeansProgress[];
}

export async function trainCentroids(
  device: Device,
  vectors: VectorInput,
  options: CentroidTrainingOptions,
): Promise<TrainedCentroids> {
  const { layout, signal, where } = options;
  const { metric, normalize } = metricConstants(options.metric);
  signal?.throwIfAborted();
  // Labels, distances, norms, order and counts: five words for each row and subspace.
  const workspaceBytes = 5 * 4 * layout.subspaces;
  const rows = new TrainingRows(device, vectors, { where, layout, normalize, signal, workspaceBytes });
  if (rows.count < options.clusters) warnFewVectors(device, where, rows.count, options.clusters);
  const centroids = device.tensor('f32', [packedLength(options.clusters, layout.chunks)]);
  try {
    using workspace = new Workspace(device);
    const shape = { layout, clusters: options.clusters, metric, normalize };
    using trainer = new CentroidTrainer(workspace, centroids, rows, shape);
    await seedCentroids(device, rows, centroids, options, normalize);
    return { centroids, history: await iterate(trainer, options) };
  } catch (error) {
    centroids.dispose();
    throw error;
  } finally {
    rows.dispose();
  }
}

function warnFewVectors(device: Device, where: string, count: number, clusters: number): void {
  const message = `${where}: ${count} vectors for ${clusters} clusters; some will repeat or stay empty`;
  sessionOfDevice(device).warn(message, 'WAVETILE_FEW_VECTORS');
}

async function seedCentroids(
  device: Device,
  rows: TrainingRows,
  centroids: Tensor,
  options: CentroidTrainingOptions,
  normalize: number,
): Promise<void> {
  const { init, layout, clusters, where, signal } = options;
  if (init === 'random') return seedRandom(rows, centroids, options);
  if (init === 'k-means++') return rows.visit(0, (chunk) => seedPlusPlus(device, chunk, centroids, options));
  const range = { first: 0, count: clusters };
  using given = (await packRows(device, init, range, { where, layout, normalize, signal })).tensor;
  using copy = await device.record((recorder) => recorder.copy(given, centroids));
  await copy.run();
}

/**
 * While one pass's result travels to the host, the next pass is already running; its result alone decides on a repair
 * where the one before found an empty cluster.
 */
async function iterate(trainer: CentroidTrainer, options: CentroidTrainingOptions): Promise<KMeansProgress[]> {
  const { iterations, signal, tolerance } = options;
  const history: KMeansProgress[] = [];
  let ahead: Promise<PassResult> | undefined;
  let wasWhole = false;
  for (let iteration = 1, last = iterations; iteration <= last; iteration++) {
    signal?.throwIfAborted();
    const begin = performance.now();
    const pass = ahead ?? trainer.pass(signal);
    ahead = wasWhole && trainer.overlaps && iteration < last ? trainer.pass(signal) : undefined;
    ahead?.catch(() => undefined); // its failure is met when it is awaited, or an earlier one has ended the training
    const { objective, sizes } = await pass;
    wasWhole = !sizes.includes(0);
    const repaired = wasWhole || ahead !== undefined ? 0 : await trainer.repairEmpty(sizes);
    const milliseconds = performance.now() - begin;
    const previous = history.at(-1)?.objective;
    history.push({ done: iteration, total: iterations, objective, milliseconds, repaired });
    options.onProgress?.(history[iteration - 1]);
    const converged = previous !== undefined && repaired === 0 && hasConverged(previous, objective, tolerance);
    if (converged) last = ahead === undefined ? iteration : iteration + 1;
  }
  return history;
}

/** A tolerance of 0 means: do all iterations. */
function hasConverged(previous: number, objective: number, tolerance: number): boolean {
  return tolerance > 0 && previous - objective < tolerance * Math.abs(previous);
}
