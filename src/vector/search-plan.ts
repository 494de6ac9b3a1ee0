// A search recorded for so many rows, k and probes: choose lists, scan them, keep the k nearest. One run, one readback.
import type { Device } from '../runtime/device.js';
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { elementGrid, linearGrid, NONE, packedLength, type RowLayout, roundUp, TILE } from './layout.js';
import { rejectInvalid } from './packed-rows.js';
import type { ListTables, Segment } from './paged-lists.js';
import type { BatchResult } from './search-batcher.js';
import { Workspace } from './workspace.js';

/** Workgroups below which a scan is split further, so that a single query still fills a large GPU. */
const FULL_GRID = 1024;
const SCAN_ROWS = 256;
/** Rows of one run at most. */
export const MAX_PLAN_ROWS = 1024;

const NO_INVALID = Uint32Array.of(NONE);

/** Packed queries inside a plan. */
export interface PlanQueries {
  readonly tensor: Tensor;
  readonly rows: number;
}

/** What one scan dispatch gets. */
export interface ScanCall {
  readonly queries: PlanQueries;
  readonly probes: Tensor;
  readonly probeCount: number;
  readonly offsets: Tensor;
  readonly distances: Tensor;
  readonly stride: number;
  readonly tables: ListTables;
  readonly segment: Segment;
  readonly grid: readonly [number, number, number];
}

/** The parts of a search in which indexes differ. */
export interface SearchStages {
  readonly layout: RowLayout;
  readonly normalize: number;
  /** Lists that compete for being probed. */
  readonly columns: number;
  /** Probed lists are scanned in the order of their numbers, so that of equal distances the earlier slot wins. */
  readonly inOrder: boolean;
  /** Writes [rows × columns] scores, smaller is better, by which probes are chosen. */
  recordScores(recorder: Recorder, queries: PlanQueries, scores: Tensor): void;
  /** Writes candidates' distances for the lists in one storage segment. */
  recordScan(recorder: Recorder, call: ScanCall): void;
}

export interface PlanShape {
  readonly rows: number;
  readonly k: number;
  /** Lists probed for each query. */
  readonly probes: number;
  /** Candidates of one query at most. */
  readonly stride: number;
  /** Rows of the longest list. */
  readonly longest: number;
}

/** Device bytes that each row of a plan takes. */
export function planBytesPerRow(stages: SearchStages, shape: Omit<PlanShape, 'rows'>): number {
  const { layout, columns } = stages;
  return 4 * (layout.dimensions + layout.chunks * 4 + columns + shape.probes * 3 + shape.stride + shape.k * 3 + 2);
}

export class SearchPlan {
  readonly #shape: PlanShape;
  readonly #workspace: Workspace;
  readonly #raw: Tensor;
  readonly #invalid: Tensor;
  readonly #columnCounts: Tensor;
  readonly #slots: Tensor;
  readonly #best: Tensor;
  #program: Program | undefined;
  #users = 0;
  #disposed = false;

  private constructor(workspace: Workspace, dimensions: number, shape: PlanShape) {
    this.#shape = shape;
    this.#workspace = workspace;
    this.#raw = workspace.tensor('f32', shape.rows * dimensions);
    this.#invalid = workspace.tensor('u32', 1);
    this.#columnCounts = workspace.tensor('u32', shape.rows);
    this.#slots = workspace.tensor('u32', shape.rows * shape.k);
    this.#best = workspace.tensor('f32', shape.rows * shape.k);
  }

  static async record(
    device: Device,
    stages: SearchStages,
    storage: { tables: ListTables; segments: readonly Segment[] },
    shape: PlanShape,
  ): Promise<SearchPlan> {
    const workspace = new Workspace(device);
    try {
      const plan = new SearchPlan(workspace, stages.layout.dimensions, shape);
      plan.#program = await device.record((recorder) => plan.#record(recorder, stages, storage));
      await plan.#columnCounts.write(new Uint32Array(shape.rows).fill(stages.columns));
      return plan;
    } catch (error) {
      workspace.dispose();
      throw error;
    }
  }

  #record(
    recorder: Recorder,
    stages: SearchStages,
    { tables, segments }: { tables: ListTables; segments: readonly Segment[] },
  ): void {
    const { rows, k, probes: probeCount, stride } = this.#shape;
    const { listBegin, groups, listRows } = tables;
    const work = this.#workspace;
    const queries = { tensor: work.tensor('f32', packedLength(rows, stages.layout.chunks)), rows };
    this.#recordPack(recorder, stages, queries.tensor);

    const probes = this.#recordProbes(recorder, stages, queries);
    const offsets = work.tensor('u32', rows * probeCount);
    const candidateCounts = work.tensor('u32', rows);
    recorder.dispatch('probe_offsets', {
      buffers: { probes, listRows, offsets, lengths: candidateCounts },
      params: { queryCount: rows, probeCount },
      grid: linearGrid(rows),
    });
    const distances = work.tensor('f32', rows * stride);
    const grid = [probeCount, rows, this.#splits()] as const;
    for (const segment of segments)
      stages.recordScan(recorder, { queries, probes, probeCount, offsets, distances, stride, tables, segment, grid });

    const indices = work.tensor('u32', rows * k);
    recordSelect(
      recorder,
      { values: distances, lengths: candidateCounts, indices, best: this.#best },
      { rows, stride, k },
    );
    recorder.dispatch('candidate_slots', {
      buffers: { indices, probes, offsets, listBegin, groups, slots: this.#slots },
      params: { queryCount: rows, k, probeCount },
      grid: elementGrid(rows * k),
    });
  }

  /** The lists that each query probes. */
  #recordProbes(recorder: Recorder, stages: SearchStages, queries: PlanQueries): Tensor {
    const { rows, probes: k } = this.#shape;
    const work = this.#workspace;
    const scores = work.tensor('f32', rows * stages.columns);
    const lengths = this.#columnCounts;
    const indices = work.tensor('f32', rows * k);
    const best = work.tensor('f32', rows * k);
    stages.recordScores(recorder, queries, scores);
    recordSelect(recorder, { values: scores, lengths, indices, best }, { rows, stride: stages.columns, k });
    if (!stages.inOrder || k === 1) return indices;
    // Whole numbers order as the floats with their bits do: `best` becomes the list numbers, ascending.
    const counts = work.tensor('u32', rows);
    recorder.fill(counts, k);
    recordSelect(
      recorder,
      { values: indices, lengths: counts, indices: work.tensor('u32', rows * k), best },
      { rows, stride: k, k },
    );
    return best;
  }

  #recordPack(recorder: Recorder, { layout, normalize }: SearchStages, packed: Tensor): void {
    const { rows } = this.#shape;
    const { dimensions, subdimensions, chunks } = layout;
    recorder.dispatch('pack_rows', {
      buffers: { source: this.#raw, packed, firstInvalid: this.#invalid },
      params: { rows, paddedRows: roundUp(rows, TILE), dimensions, subdimensions, chunks },
      constants: { check: 1, normalize },
      grid: linearGrid(roundUp(rows, TILE) / 32),
    });
  }

  #splits(): number {
    const { rows, probes, longest } = this.#shape;
    return Math.max(1, Math.min(Math.ceil(longest / SCAN_ROWS), Math.ceil(FULL_GRID / (rows * probes))));
  }

  /** Searches for `count` queries, at most the plan's rows; `first` is the number of the first one in messages. */
  async run(where: string, queries: Float32Array, count: number, first = 0): Promise<BatchResult> {
    const results = count * this.#shape.k;
    const { outputs } = await (this.#program as Program).run({
      write: [
        [this.#raw, queries],
        [this.#invalid, NO_INVALID],
      ],
      read: [this.#invalid, this.#slots.slice(0, results), this.#best.slice(0, results)],
    });
    const [invalid, slots, values] = outputs as [Uint32Array, Uint32Array, Float32Array];
    // Rows past `count` are left over from earlier runs and do not matter.
    const bad = invalid[0];
    if (bad < count) rejectInvalid(where, bad, first);
    return { slots, values };
  }

  /** Keeps the plan from being freed while `work` runs it any number of times. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await work();
    } finally {
      this.#users--;
      if (this.#disposed) this.dispose();
    }
  }

  dispose(): void {
    this.#disposed = true;
    if (this.#users > 0) return;
    this.#program?.dispose();
    this.#workspace.dispose();
  }
}

function recordSelect(
  recorder: Recorder,
  buffers: { values: Tensor; lengths: Tensor; indices: Tensor; best: Tensor },
  params: { rows: number; stride: number; k: number },
): void {
  recorder.dispatch('select_smallest', { buffers, params, grid: linearGrid(params.rows) });
}

/** Rows that a plan is recorded for: powers of two, then multiples of 128, so that few plans serve all sizes. */
export function planRows(count: number): number {
  return count >= TILE ? roundUp(count, TILE) : 2 ** Math.ceil(Math.log2(count));
}
