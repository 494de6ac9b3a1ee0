// Lloyd's k-means on the device, for one codebook or for all subspaces of a product quantizer at once.
// Assignment follows "Flash-KMeans"-style tiling: a running arg-min, never the rows x clusters matrix.
import type { Device } from '../runtime/device.js';
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { type CentroidShape, recordAssign, recordNorms } from './assigner.js';
import { recordCentroidUpdate, recordClusterSums, type UpdateTensors } from './centroid-update.js';
import { CountingSort } from './counting-sort.js';
import { packedLength } from './layout.js';
import type { PackedRows } from './packed-rows.js';
import type { TrainingRows } from './training-rows.js';
import type { Workspace } from './workspace.js';

/** A split's share of the points should stay in a GPU's cache while all clusters gather from it. */
const SPLIT_BYTES = 16 << 20;
/** Points that each part of a cluster should hold on average, or its partial sum is not worth its memory. */
const POINTS_PER_PART = 8;
const MAX_SPLITS = 256;
const SUM_BLOCK = 4096;

interface TrainerShape extends CentroidShape {
  /** 1: centroids are scaled to length 1. */
  readonly normalize: number;
}

/** What one pass over the data found, before the centroids moved. */
export interface PassResult {
  /** Sum of the points' distances to their nearest centroid (L2: squared; else minus the similarity). */
  readonly objective: number;
  /** Points of each cluster, [subspace * clusters + cluster]. */
  readonly sizes: Uint32Array;
}

/** The device side of one training: its recorded programs and what they work on. */
export class CentroidTrainer implements Disposable {
  readonly #device: Device;
  readonly #centroids: Tensor;
  readonly #shape: TrainerShape;
  readonly #rows: TrainingRows;
  readonly #sort: CountingSort;
  readonly #update: UpdateTensors;
  readonly #labels: Tensor;
  readonly #distances: Tensor;
  /** One for each chunk that stays on the device, filled before the first pass; else one for all. */
  readonly #pointNorms: Tensor[] = [];
  readonly #centroidNorms: Tensor;
  readonly #objectives: Tensor[] = [];
  #pass: Program | undefined;

  /** Moves `centroids`; everything else it needs is the workspace's. */
  constructor(workspace: Workspace, centroids: Tensor, rows: TrainingRows, shape: TrainerShape) {
    const { layout, clusters } = shape;
    const perRow = layout.subspaces * rows.chunkRows;
    this.#device = centroids.device;
    this.#centroids = centroids;
    this.#rows = rows;
    this.#shape = shape;
    const splits = splitsFor(rows.chunkRows, clusters, layout.chunks);
    this.#sort = new CountingSort(workspace, { rows: rows.chunkRows, clusters, subspaces: layout.subspaces });
    this.#labels = workspace.tensor('u32', perRow);
    this.#distances = workspace.tensor('f32', perRow);
    this.#centroidNorms = workspace.tensor('f32', layout.subspaces * clusters);
    const sums = workspace.tensor('f32', splits * packedLength(clusters, layout.chunks));
    this.#update = { sums, sizes: workspace.tensor('u32', layout.subspaces * clusters), splits };
    for (let chunk = 0; chunk < (rows.resident ? rows.chunks : 1); chunk++) {
      this.#pointNorms.push(workspace.tensor('f32', perRow));
      this.#objectives.push(workspace.tensor('f32', layout.subspaces * Math.ceil(rows.chunkRows / SUM_BLOCK)));
    }
  }

  /** Whether a pass may be asked for while the one before it is still running. */
  get overlaps(): boolean {
    return this.#rows.resident && this.#pass !== undefined;
  }

  /** Assigns every point and moves the centroids to their clusters' means, once. */
  async pass(signal?: AbortSignal): Promise<PassResult> {
    return this.#rows.resident ? this.#passResident(signal) : this.#passStreaming(signal);
  }

  /** Everything on the device: one program, one run. */
  async #passResident(signal?: AbortSignal): Promise<PassResult> {
    if (this.#pass === undefined) {
      const chunks: PackedRows[] = [];
      await this.#rows.forEach(async (rows) => void chunks.push(rows));
      using norms = await this.#device.record((recorder) => {
        for (const [i, rows] of chunks.entries()) recordNorms(recorder, rows, this.#pointNorms[i]);
      });
      await norms.run();
      this.#pass = await this.#device.record((recorder) => {
        this.#recordCentroidNorms(recorder);
        for (const [i, rows] of chunks.entries()) this.#recordChunk(recorder, rows, i);
        this.#recordUpdate(recorder);
      });
    }
    const { outputs } = await this.#pass.run({ read: [this.#update.sizes, ...this.#objectives], signal });
    const [sizes, ...objectives] = outputs as [Uint32Array, ...Float32Array[]];
    let objective = 0;
    for (const [i, sums] of objectives.entries()) objective += this.#sumObjective(sums, this.#rows.rowsOf(i));
    return { objective, sizes };
  }

  /** Chunk after chunk, adding to the same sums. */
  async #passStreaming(signal?: AbortSignal): Promise<PassResult> {
    let objective = 0;
    await this.#rows.forEach(async (rows, chunk) => {
      using program = await this.#device.record((recorder) => {
        if (chunk === 0) this.#recordCentroidNorms(recorder);
        recordNorms(recorder, rows, this.#pointNorms[0]);
        this.#recordChunk(recorder, rows, chunk);
      });
      const { outputs } = await program.run({ read: [this.#objectives[0] as Tensor], signal });
      objective += this.#sumObjective(outputs[0] as Float32Array, rows.rows);
    });
    using update = await this.#device.record((recorder) => this.#recordUpdate(recorder));
    const { outputs } = await update.run({ read: [this.#update.sizes], signal });
    return { objective, sizes: outputs[0] as Uint32Array };
  }

  #sumObjective(sums: Float32Array, rows: number): number {
    const live = this.#shape.layout.subspaces * Math.ceil(rows / SUM_BLOCK);
    let total = 0;
    for (let i = 0; i < live; i++) total += sums[i];
    return total;
  }

  #recordCentroidNorms(recorder: Recorder): void {
    const { layout, clusters } = this.#shape;
    recordNorms(recorder, { tensor: this.#centroids, rows: clusters, layout }, this.#centroidNorms);
  }

  #recordChunk(recorder: Recorder, packed: PackedRows, chunk: number): void {
    const { subspaces } = this.#shape.layout;
    const { tensor: points, rows } = packed;
    const [labels, distances] = [this.#labels, this.#distances];
    const [centroids, centroidNorms] = [this.#centroids, this.#centroidNorms];
    const kept = this.#rows.resident ? chunk : 0;
    const pointNorms = this.#pointNorms[kept];
    recordAssign(recorder, { points, centroids, pointNorms, centroidNorms, labels, distances }, rows, this.#shape);
    const sums = this.#objectives[kept];
    recorder.dispatch('sum_blocks', {
      buffers: { values: distances, sums },
      params: { count: rows, rows: subspaces },
      grid: [Math.ceil(rows / SUM_BLOCK), subspaces],
    });
    this.#sort.record(recorder, labels, rows);
    const accumulate = chunk === 0 ? 0 : 1;
    recordClusterSums(recorder, { points, rows, sort: this.#sort, accumulate }, this.#update, this.#shape);
  }

  #recordUpdate(recorder: Recorder): void {
    recordCentroidUpdate(recorder, this.#centroids, this.#update, this.#shape);
  }

  /** Gives each empty cluster half of the largest one, by moving both centroids apart. Returns how many it repaired. */
  async repairEmpty(sizes: Uint32Array): Promise<number> {
    const { layout, clusters } = this.#shape;
    const triples = Array.from({ length: layout.subspaces }, (_, m) =>
      splitLargest(sizes.subarray(m * clusters, (m + 1) * clusters), m),
    ).flat();
    if (triples.length === 0) return 0;
    const pairs = await this.#device.tensorFrom(Uint32Array.from(triples));
    using program = await this.#device.record((recorder) => {
      recorder.dispatch('split_clusters', {
        buffers: { pairs, centroids: this.#centroids },
        params: { count: triples.length / 3, chunks: layout.chunks, subspaceChunks: layout.subspaceChunks },
        grid: [1],
      });
    });
    await program.run();
    pairs.dispose();
    return triples.length / 3;
  }

  [Symbol.dispose](): void {
    this.#pass?.dispose();
  }
}

/** (empty, donor, subspace) triples: each empty cluster takes half of the cluster that is then the largest. */
function splitLargest(sizes: Uint32Array, subspace: number): number[] {
  const left = Uint32Array.from(sizes);
  const triples: number[] = [];
  for (let empty = 0; empty < left.length; empty++) {
    if (sizes[empty] !== 0) continue;
    let donor = 0;
    for (let k = 1; k < left.length; k++) if (left[k] > left[donor]) donor = k;
    const size = left[donor];
    if (size < 2) break;
    left[empty] = size >> 1;
    left[donor] = size - (size >> 1);
    triples.push(empty, donor, subspace);
  }
  return triples;
}

/** Parts that each cluster's points are summed in. */
function splitsFor(rows: number, clusters: number, chunks: number): number {
  const byCache = Math.ceil((rows * chunks * 16) / SPLIT_BYTES);
  return Math.max(1, Math.min(byCache, MAX_SPLITS, Math.floor(rows / (clusters * POINTS_PER_PART))));
}
