// Nearest centroids: recorded into a program, or run over packed rows.
import { tileConstants } from '../kernels/choices.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { type RowLayout, TILE } from './layout.js';
import type { PackedRows } from './packed-rows.js';

export interface CentroidShape {
  readonly layout: RowLayout;
  readonly clusters: number;
  /** Kernel constant: 0 L2, 1 inner product. */
  readonly metric: number;
}

interface AssignTensors {
  readonly points: Tensor;
  readonly centroids: Tensor;
  readonly pointNorms: Tensor;
  readonly centroidNorms: Tensor;
  readonly labels: Tensor;
  readonly distances: Tensor;
}

/** Squared lengths of each row's sub-vectors. */
export function recordNorms(recorder: Recorder, rows: PackedRows, norms: Tensor): void {
  const { chunks, subspaces, subspaceChunks } = rows.layout;
  recorder.dispatch('row_norms', {
    buffers: { packed: rows.tensor, norms },
    params: { rows: rows.rows, chunks, subspaceChunks },
    grid: [Math.ceil(rows.rows / 256), subspaces],
  });
}

/** Labels and distances of `rows` points; the norms must have been recorded before. */
export function recordAssign(recorder: Recorder, tensors: AssignTensors, rows: number, shape: CentroidShape): void {
  const { chunks, subspaces, subspaceChunks } = shape.layout;
  recorder.dispatch('assign_nearest', {
    buffers: tensors,
    params: { rows, clusters: shape.clusters, chunks, subspaceChunks },
    constants: tileConstants(tensors.points.device, shape.metric),
    grid: [Math.ceil(rows / TILE), subspaces],
  });
}

/** Nearest centroids for chunk after chunk of rows, with the centroids' norms computed once. */
export class Assigner {
  readonly #device: Device;
  readonly #centroids: Tensor;
  readonly #norms: Tensor;
  readonly #shape: CentroidShape;

  private constructor(centroids: Tensor, norms: Tensor, shape: CentroidShape) {
    this.#device = centroids.device;
    this.#centroids = centroids;
    this.#norms = norms;
    this.#shape = shape;
  }

  /** The centroids stay the caller's. */
  static async create(centroids: Tensor, shape: CentroidShape): Promise<Assigner> {
    const { device } = centroids;
    const rows = { tensor: centroids, rows: shape.clusters, layout: shape.layout };
    const norms = device.tensor('f32', [shape.layout.subspaces * shape.clusters]);
    try {
      using program = await device.record((recorder) => recordNorms(recorder, rows, norms));
      await program.run();
      return new Assigner(centroids, norms, shape);
    } catch (error) {
      norms.dispose();
      throw error;
    }
  }

  /** Labels and distances, [subspace * rows + row], on the device. The caller disposes of both. */
  async assign(rows: PackedRows, signal?: AbortSignal): Promise<{ labels: Tensor; distances: Tensor }> {
    const count = this.#shape.layout.subspaces * rows.rows;
    const labels = this.#device.tensor('u32', [count]);
    const distances = this.#device.tensor('f32', [count]);
    try {
      using pointNorms = this.#device.tensor('f32', [count]);
      using program = await this.#device.record((recorder) => {
        recordNorms(recorder, rows, pointNorms);
        const [points, centroids, centroidNorms] = [rows.tensor, this.#centroids, this.#norms];
        const tensors = { points, centroids, pointNorms, centroidNorms, labels, distances };
        recordAssign(recorder, tensors, rows.rows, this.#shape);
      });
      await program.run({ signal });
      return { labels, distances };
    } catch (error) {
      labels.dispose();
      distances.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.#norms.dispose();
  }
}
