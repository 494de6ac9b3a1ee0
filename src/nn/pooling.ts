// One vector a sequence from the hidden states of its tokens.
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkCall } from './checks.js';

/** Rows of one sequence in this dispatch. The sequence is complete when `before` and `count` make `total`. */
export interface PooledSpan {
  readonly firstRow: number;
  readonly count: number;
  /** Rows of the sequence that were pooled into the same target by earlier dispatches. */
  readonly before: number;
  readonly total: number;
  /** Row of `pooled`. */
  readonly target: number;
}

export const SPAN_WORDS = 5;

/** What the tensor `spans` holds. A span without rows is passed over. */
export function encodeSpans(spans: readonly PooledSpan[]): Uint32Array {
  return Uint32Array.from(
    spans.flatMap(({ firstRow, count, before, total, target }) => [firstRow, count, before, total, target]),
  );
}

export interface PoolingCall {
  /** f32 [rows, stride], normed. */
  readonly hidden: Tensor;
  /** u32 [sequences, SPAN_WORDS], each with another target. */
  readonly spans: Tensor;
  /** f32 [targets, dimensions] */
  readonly pooled: Tensor;
  readonly sequences: number;
  readonly dimensions: number;
  /** From a row of hidden states to the next. Default: `dimensions`. */
  readonly stride?: number | undefined;
  readonly pooling: 'mean' | 'last';
  /** Vectors of length 1. */
  readonly normalize: boolean;
}

const GRID_WIDTH = 32768;

/** One dispatch: the mean or the last of the rows of each span. */
export function recordPooling(recorder: Recorder, call: PoolingCall): void {
  checkCall('recordPooling', recorder, call);
  const { hidden, spans, pooled, sequences, dimensions, stride = dimensions, pooling, normalize } = call;
  recorder.dispatch('pool_rows', {
    buffers: { hidden, spans, pooled },
    params: { sequences, dimensions, stride },
    constants: { last: pooling === 'last' ? 1 : 0, normalised: normalize ? 1 : 0 },
    grid: [Math.min(sequences, GRID_WIDTH), Math.ceil(sequences / GRID_WIDTH)],
  });
}
