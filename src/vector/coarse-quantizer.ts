// The centroids of an inverted index: which list a vector belongs to, and which lists a query should probe.
import { tileConstants } from '../kernels/choices.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import { Tensor } from '../runtime/tensor.js';
import { checkInteger } from '../runtime/validate.js';
import { Assigner } from './assigner.js';
import { linearGrid, type RowLayout, roundUp, TILE, wholeRows } from './layout.js';
import { type Metric, metricConstants } from './metric.js';
import { type PackedRows, unpackRows } from './packed-rows.js';
import { Random } from './random.js';
import type { PlanQueries } from './search-plan.js';
import { type CentroidTrainingOptions, trainCentroids } from './train-centroids.js';
import { countVectors, type VectorInput } from './vector-input.js';

/** Training vectors for each centroid beyond which more hardly help. */
export const SAMPLE_PER_CENTROID = 256;
/** The most lists an inverted index may have. */
export const MAX_LISTS = 1 << 20;

interface CoarseShape {
  /** Of the rows it will meet; their pads do no harm. */
  readonly layout: RowLayout;
  readonly lists: number;
  readonly metric: Metric;
}

/** Checks the number of lists, and that there are vectors to train them with. */
export function checkLists(
  where: string,
  vectors: VectorInput,
  lists: number,
  shape: { readonly device: Device; readonly dimensions: number },
): void {
  checkInteger(where, 'lists', lists, { min: 1, max: MAX_LISTS });
  const count = countVectors(where, 'vectors', vectors, shape);
  if (count < lists)
    throw new RangeError(`${where}: not enough training vectors: ${lists} lists need at least as many, got ${count}`);
}

/** Vectors of a tensor that are read at a time to draw from: some 16 MiB. */
const READ_NUMBERS = 4 << 20;

interface Sampling {
  readonly dimensions: number;
  readonly count: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** At most `count` of the vectors, drawn at random: the same ones from a tensor as from an array. */
export async function sampleVectors(vectors: VectorInput, sampling: Sampling): Promise<VectorInput> {
  const { dimensions, count, seed, signal } = sampling;
  const total = vectors.length / dimensions;
  if (total <= count) return vectors;
  const sample = new Float32Array(count * dimensions);
  const rows = new Random(seed).distinct(count, total).sort();
  const step = vectors instanceof Tensor ? Math.max(1, Math.floor(READ_NUMBERS / dimensions)) : total;
  for (let first = 0, i = 0; first < total; first += step) {
    const length = Math.min(step, total - first) * dimensions;
    const part = vectors instanceof Tensor ? await readPart(vectors, first * dimensions, length, signal) : vectors;
    for (; i < count && rows[i] < first + step; i++) {
      const at = (rows[i] - first) * dimensions;
      sample.set(part.subarray(at, at + dimensions), i * dimensions);
    }
  }
  return sample;
}

async function readPart(tensor: Tensor, offset: number, length: number, signal?: AbortSignal): Promise<Float32Array> {
  return (await tensor.read({ offset, length, signal })) as Float32Array;
}

export class CoarseQuantizer {
  readonly centroids: Tensor;
  readonly lists: number;
  readonly metric: Metric;
  readonly device: Device;
  readonly #layout: RowLayout;
  readonly #assigner: Assigner;

  private constructor(device: Device, centroids: Tensor, shape: CoarseShape, assigner: Assigner) {
    this.device = device;
    this.centroids = centroids;
    this.lists = shape.lists;
    this.metric = shape.metric;
    this.#layout = wholeRows(shape.layout);
    this.#assigner = assigner;
  }

  /** Takes packed centroids over, also when it fails. */
  static async create(device: Device, centroids: Tensor, shape: CoarseShape): Promise<CoarseQuantizer> {
    const { metric } = metricConstants(shape.metric);
    const clusters = { layout: wholeRows(shape.layout), clusters: shape.lists, metric };
    try {
      return new CoarseQuantizer(device, centroids, shape, await Assigner.create(centroids, clusters));
    } catch (error) {
      centroids.dispose();
      throw error;
    }
  }

  static async train(
    device: Device,
    vectors: VectorInput,
    shape: CoarseShape,
    options: Omit<CentroidTrainingOptions, 'layout' | 'clusters' | 'metric' | 'init'>,
  ): Promise<CoarseQuantizer> {
    const { lists, metric, layout } = shape;
    const { dimensions } = layout;
    const { seed, signal } = options;
    const sample = await sampleVectors(vectors, { dimensions, count: lists * SAMPLE_PER_CENTROID, seed, signal });
    const training = { ...options, layout: wholeRows(layout), clusters: lists, metric, init: 'random' as const };
    const { centroids } = await trainCentroids(device, sample, training);
    return CoarseQuantizer.create(device, centroids, shape);
  }

  /** The list of each row, on the device. The caller disposes of it. */
  async labels(rows: PackedRows, signal?: AbortSignal): Promise<Tensor> {
    const { labels, distances } = await this.#assigner.assign({ ...rows, layout: this.#layout }, signal);
    distances.dispose();
    return labels;
  }

  /** Rows minus their list's centroid, packed as they are. */
  recordResiduals(recorder: Recorder, rows: PackedRows, labels: Tensor, residuals: Tensor): void {
    const { chunks } = this.#layout;
    recorder.dispatch('residuals', {
      buffers: { points: rows.tensor, centroids: this.centroids, labels, residuals },
      params: { rows: rows.rows, chunks },
      grid: linearGrid(Math.ceil((roundUp(rows.rows, 32) * chunks) / 256)),
    });
  }

  /** [queries × lists] distances to the centroids. */
  recordScores(recorder: Recorder, queries: PlanQueries, scores: Tensor): void {
    recorder.dispatch('pairwise_distances', {
      buffers: { queries: queries.tensor, storage: this.centroids, distances: scores },
      params: { queryCount: queries.rows, rows: this.lists, chunks: this.#layout.chunks, stride: this.lists },
      constants: tileConstants(this.device, metricConstants(this.metric).metric),
      grid: [Math.ceil(this.lists / TILE), Math.ceil(queries.rows / TILE)],
    });
  }

  /** The centroids, row-major. */
  read(): Promise<Float32Array> {
    return unpackRows(this.device, { tensor: this.centroids, rows: this.lists, layout: this.#layout });
  }

  dispose(): void {
    this.#assigner.dispose();
    this.centroids.dispose();
  }
}
