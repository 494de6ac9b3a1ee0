// k-means clustering on a device.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkOneOf, checkRunOptions } from '../runtime/validate.js';
import { Assigner } from './assigner.js';
import { forEachChunk } from './chunks.js';
import { checkUsable } from './disposal.js';
import { rowLayout } from './layout.js';
import { METRICS, type Metric, metricConstants, presentDistances } from './metric.js';
import { unpackRows } from './packed-rows.js';
import type { KMeansInit } from './seeding.js';
import { type CentroidTrainingOptions, type KMeansProgress, trainCentroids } from './train-centroids.js';
import { checkInit, checkShape, checkTraining, TRAINING_KEYS, type TrainingOptions } from './training-options.js';
import { countVectors, type VectorInput } from './vector-input.js';

export interface KMeansTrainOptions extends TrainingOptions {
  /** Numbers in a vector. */
  dimensions: number;
  /** Clusters to find. */
  clusters: number;
  /** Default `l2`. `cosine` is spherical k-means: vectors and centroids have length 1. */
  metric?: Metric | undefined;
  /** First centroids: drawn at random (default), by k-means++, or given row-major. */
  init?: KMeansInit | Float32Array | undefined;
}

/** Where vectors belong. */
export interface Assignment {
  /** The nearest centroid of each vector. */
  readonly labels: Uint32Array;
  /** The distance (L2: squared) or similarity to it. */
  readonly distances: Float32Array;
}

/**
 * k-means (Lloyd). Assignment is a tiled matrix product with a running minimum, the update a stable counting sort with
 * sums in a fixed order: on one device the same input and seed give the same bytes. Data that does not fit in device
 * memory is streamed through it once an iteration.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 1000 * 8 }, Math.random);
 * using kmeans = await KMeans.train(device, vectors, { dimensions: 8, clusters: 16 });
 * const { labels } = await kmeans.assign(vectors); // Uint32Array(1000)
 */
export class KMeans implements Disposable {
  readonly device: Device;
  /** Numbers in a vector. */
  readonly dimensions: number;
  readonly clusters: number;
  readonly metric: Metric;
  /** One entry an iteration. */
  readonly history: readonly KMeansProgress[];
  readonly #centroids: Tensor;
  readonly #assigner: Assigner;
  #disposed = false;

  private constructor(
    token: Token,
    shape: { device: Device; dimensions: number; clusters: number; metric: Metric; history: readonly KMeansProgress[] },
    centroids: Tensor,
    assigner: Assigner,
  ) {
    checkToken(token, 'KMeans', 'KMeans.train');
    this.device = shape.device;
    this.dimensions = shape.dimensions;
    this.clusters = shape.clusters;
    this.metric = shape.metric;
    this.history = shape.history;
    this.#centroids = centroids;
    this.#assigner = assigner;
  }

  /**
   * Clusters `vectors` (row-major, `n × dimensions` numbers).
   *
   * @throws {RangeError} wrong lengths or options; a vector with NaN or infinity (rejects, naming the vector)
   * @throws {ComputeError} `OUT_OF_MEMORY`, `DEVICE_LOST`
   */
  static train(device: Device, vectors: VectorInput, options: KMeansTrainOptions): Promise<KMeans> {
    const where = 'KMeans.train';
    checkDevice(where, device);
    checkShape(where, options, ['dimensions', 'clusters', 'metric', 'init', ...TRAINING_KEYS]);
    const { dimensions, clusters, metric = 'l2', init = 'random' } = options;
    checkInteger(where, 'clusters', clusters, { min: 1, max: 1 << 24 });
    checkOneOf(where, 'metric', metric, METRICS);
    checkInit(where, init, clusters * dimensions);
    countVectors(where, 'vectors', vectors, { device, dimensions });
    const layout = rowLayout(dimensions);
    return KMeans.#train(device, vectors, { ...checkTraining(where, options), where, layout, clusters, metric, init });
  }

  static async #train(device: Device, vectors: VectorInput, options: CentroidTrainingOptions): Promise<KMeans> {
    const { layout, clusters, metric } = options;
    const { centroids, history } = await trainCentroids(device, vectors, options);
    try {
      const assigner = await Assigner.create(centroids, { layout, clusters, metric: metricConstants(metric).metric });
      const shape = { device, dimensions: layout.dimensions, clusters, metric, history };
      return new KMeans(TOKEN, shape, centroids, assigner);
    } catch (error) {
      centroids.dispose();
      throw error;
    }
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The objective of the last iteration: sum of squared distances (L2) or minus the sum of similarities. */
  get objective(): number {
    return this.history.at(-1)?.objective ?? Number.NaN;
  }

  /** The centroids, row-major, `clusters × dimensions` numbers. */
  centroids(): Promise<Float32Array> {
    checkUsable('KMeans.centroids', this);
    const layout = rowLayout(this.dimensions);
    return unpackRows(this.device, { tensor: this.#centroids, rows: this.clusters, layout });
  }

  /** The nearest centroid of each vector and the distance (L2: squared) or similarity to it. */
  assign(vectors: VectorInput, options: AbortOptions = {}): Promise<Assignment> {
    const where = 'KMeans.assign';
    checkUsable(where, this);
    checkRunOptions(where, options, ['signal']);
    return this.#assign(where, vectors, countVectors(where, 'vectors', vectors, this), options.signal);
  }

  async #assign(where: string, vectors: VectorInput, count: number, signal?: AbortSignal): Promise<Assignment> {
    const labels = new Uint32Array(count);
    const distances = new Float32Array(count);
    const { normalize } = metricConstants(this.metric);
    const chunking = { where, layout: rowLayout(this.dimensions), normalize, signal, workspaceBytes: 12 };
    await forEachChunk(this.device, vectors, chunking, async (rows, first) => {
      const found = await this.#assigner.assign(rows, signal);
      using ownLabels = found.labels;
      using ownDistances = found.distances;
      await ownLabels.read({ out: labels.subarray(first, first + rows.rows) });
      await ownDistances.read({ out: distances.subarray(first, first + rows.rows) });
    });
    return { labels, distances: presentDistances(distances, this.metric) };
  }

  /** Frees the centroids on the device. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#assigner.dispose();
    this.#centroids.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
