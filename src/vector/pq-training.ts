// k-means for every (batch, head, sub-vector) at once: each is a subspace of rows that hold all heads' keys.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { recordAssign, recordNorms } from './assigner.js';
import { recordCentroidUpdate, recordClusterSums, type UpdateTensors } from './centroid-update.js';
import { CountingSort } from './counting-sort.js';
import { elementGrid, packedLength, type RowLayout, roundUp, TILE } from './layout.js';
import { Workspace } from './workspace.js';

/** Workgroups that keep a GPU busy while clusters are summed. */
const BUSY_WORKGROUPS = 2048;

interface HeadTrainingShape {
  readonly layout: RowLayout;
  readonly clusters: number;
  readonly rows: number;
  /** Rows that `points` has room for; at least `rows`. */
  readonly room: number;
  readonly iterations: number;
}

/** Workspace of one training; everything is recorded, nothing is read in between. */
export class HeadTraining implements Disposable {
  readonly points: Tensor;
  readonly pointNorms: Tensor;
  readonly seeds: Tensor;
  readonly #shape: HeadTrainingShape;
  readonly #workspace: Workspace;
  readonly #sort: CountingSort;
  readonly #update: UpdateTensors;
  readonly #labels: Tensor;
  readonly #distances: Tensor;
  readonly #centroidNorms: Tensor;

  constructor(device: Device, shape: HeadTrainingShape) {
    const { layout, clusters, rows } = shape;
    const pairs = layout.subspaces * clusters;
    this.#shape = shape;
    this.#workspace = new Workspace(device);
    const busy = Math.ceil(BUSY_WORKGROUPS / pairs);
    const splits = Math.max(1, Math.min(busy, Math.floor(rows / (clusters * 8))));
    try {
      this.points = this.#workspace.tensor('f32', packedLength(shape.room, layout.chunks));
      this.pointNorms = this.#workspace.tensor('f32', layout.subspaces * rows);
      this.seeds = this.#workspace.tensor('u32', pairs);
      this.#labels = this.#workspace.tensor('u32', layout.subspaces * rows);
      this.#distances = this.#workspace.tensor('f32', layout.subspaces * rows);
      this.#centroidNorms = this.#workspace.tensor('f32', pairs);
      const sums = this.#workspace.tensor('f32', splits * packedLength(clusters, layout.chunks));
      this.#update = { sums, sizes: this.#workspace.tensor('u32', pairs), splits };
      this.#sort = new CountingSort(this.#workspace, { rows, clusters, subspaces: layout.subspaces });
    } catch (error) {
      this.#workspace.dispose();
      throw error;
    }
  }

  /** The rows `seeds[subspace * clusters + k]` become the first centroids, then they move for all iterations. */
  record(recorder: Recorder, centroids: Tensor): void {
    const { layout, clusters, rows, iterations } = this.#shape;
    const { chunks, subspaceChunks } = layout;
    const paddedClusters = roundUp(clusters, TILE);
    recorder.dispatch('gather_rows', {
      buffers: { packed: this.points, ids: this.seeds, gathered: centroids },
      params: { rows: clusters, paddedRows: paddedClusters, chunks, subspaceChunks },
      grid: elementGrid(paddedClusters * chunks),
    });
    recordNorms(recorder, { tensor: this.points, rows, layout }, this.pointNorms);
    for (let i = 0; i < iterations; i++) this.#recordIteration(recorder, centroids);
  }

  #recordIteration(recorder: Recorder, centroids: Tensor): void {
    const { layout, clusters, rows } = this.#shape;
    const [points, labels, centroidNorms] = [this.points, this.#labels, this.#centroidNorms];
    recordNorms(recorder, { tensor: centroids, rows: clusters, layout }, centroidNorms);
    const { pointNorms } = this;
    const tensors = { points, centroids, pointNorms, centroidNorms, labels, distances: this.#distances };
    recordAssign(recorder, tensors, rows, { layout, clusters, metric: 0 });
    this.#sort.record(recorder, labels, rows);
    recordClusterSums(recorder, { points, rows, sort: this.#sort, accumulate: 0 }, this.#update, this.#shape);
    recordCentroidUpdate(recorder, centroids, this.#update, { layout, clusters, normalize: 0 });
  }

  dispose(): void {
    this.#workspace.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
