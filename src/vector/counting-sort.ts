// Orders row numbers by their label on the device: count per block, scan, scatter. Stable, so every run gives the same bytes.
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { elementGrid, linearGrid, roundUp } from './layout.js';
import type { Workspace } from './workspace.js';

const SCAN_BLOCK = 2048;

/** Exclusive prefix sums over uint32, any length: blocks, then the blocks' totals, recursively. */
class PrefixSum {
  readonly #totals: Tensor[] = [];

  constructor(workspace: Workspace, count: number) {
    for (let n = count; ; n = Math.ceil(n / SCAN_BLOCK)) {
      this.#totals.push(workspace.tensor('u32', Math.ceil(n / SCAN_BLOCK)));
      if (n <= SCAN_BLOCK) break;
    }
  }

  record(recorder: Recorder, data: Tensor, count: number, level = 0): void {
    const totals = this.#totals[level];
    const blocks = Math.ceil(count / SCAN_BLOCK);
    recorder.dispatch('scan_blocks', { buffers: { data, totals }, params: { count }, grid: linearGrid(blocks) });
    if (blocks === 1) return;
    this.record(recorder, totals, blocks, level + 1);
    recorder.dispatch('scan_add', { buffers: { data, totals }, params: { count }, grid: elementGrid(count) });
  }
}

interface SortShape {
  readonly rows: number;
  readonly clusters: number;
  readonly subspaces: number;
}

/** Sorts the rows of each subspace by label. `order` and `offsets` are laid out as the kernel `sort_labels` says. */
export class CountingSort {
  readonly order: Tensor;
  readonly offsets: Tensor;
  readonly #shape: SortShape;
  readonly #scan: PrefixSum;

  /** `shape.rows` is the largest number of rows it will be asked to sort. */
  constructor(workspace: Workspace, shape: SortShape) {
    this.#shape = shape;
    const counts = shape.subspaces * shape.clusters * this.blocks(shape.rows);
    this.order = workspace.tensor('u32', shape.subspaces * shape.rows);
    this.offsets = workspace.tensor('u32', counts);
    this.#scan = new PrefixSum(workspace, counts);
  }

  /** Blocks are at least as long as there are clusters, so the counts never outgrow the labels. */
  get #block(): number {
    return roundUp(Math.max(1, this.#shape.clusters), 1024);
  }

  blocks(rows: number): number {
    return Math.ceil(rows / this.#block);
  }

  record(recorder: Recorder, labels: Tensor, rows: number): void {
    const { clusters, subspaces } = this.#shape;
    const blocks = this.blocks(rows);
    const params = { rows, clusters, block: this.#block, blocks };
    const grid = [blocks, subspaces] as const;
    recorder.fill(this.offsets, 0);
    recorder.dispatch('count_labels', { buffers: { labels, counts: this.offsets }, params, grid });
    this.#scan.record(recorder, this.offsets, subspaces * clusters * blocks);
    recorder.dispatch('sort_labels', { buffers: { labels, offsets: this.offsets, order: this.order }, params, grid });
  }
}
