// The second half of a k-means iteration, recorded: sums of each cluster's points, and the centroids from them.
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import type { CentroidShape } from './assigner.js';
import type { CountingSort } from './counting-sort.js';
import { linearGrid, roundUp, TILE } from './layout.js';

/** Centroids that a workgroup of `update_centroids` takes at a time. */
const CENTROIDS_PER_WORKGROUP = 8;

export interface UpdateTensors {
  /** `splits` packed arrays of the clusters' sums. */
  readonly sums: Tensor;
  readonly sizes: Tensor;
  readonly splits: number;
}

/** Adds up the points of each cluster as `sort` has ordered them; `accumulate` 1 adds to the sums that are there. */
export function recordClusterSums(
  recorder: Recorder,
  { points, rows, sort, accumulate }: { points: Tensor; rows: number; sort: CountingSort; accumulate: 0 | 1 },
  { sums, sizes, splits }: UpdateTensors,
  { layout, clusters }: Pick<CentroidShape, 'layout' | 'clusters'>,
): void {
  const { chunks, subspaces, subspaceChunks } = layout;
  const paddedClusters = roundUp(clusters, TILE);
  const blocks = sort.blocks(rows);
  recorder.dispatch('cluster_sums', {
    buffers: { points, order: sort.order, offsets: sort.offsets, sums, sizes },
    params: { rows, clusters, blocks, chunks, subspaceChunks, paddedClusters, accumulate },
    grid: [clusters, subspaces, splits],
  });
}

/** Moves the centroids to their clusters' means; `normalize` 1 scales them to length 1 instead. */
export function recordCentroidUpdate(
  recorder: Recorder,
  centroids: Tensor,
  { sums, sizes, splits }: UpdateTensors,
  { layout, clusters, normalize }: Pick<CentroidShape, 'layout' | 'clusters'> & { normalize: number },
): void {
  const { chunks, subspaces, subspaceChunks } = layout;
  recorder.dispatch('update_centroids', {
    buffers: { sums, sizes, centroids },
    params: { clusters, paddedClusters: roundUp(clusters, TILE), chunks, subspaceChunks, splits },
    constants: { normalize },
    grid: linearGrid(Math.ceil((clusters * subspaces) / CENTROIDS_PER_WORKGROUP)),
  });
}
