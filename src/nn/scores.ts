// Log-probabilities of given tokens, as perplexity needs them.
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkCall } from './checks.js';

/** A target that is not scored. */
export const NO_TARGET = 0xffffffff;

export interface ScoresCall {
  /** f32 [rows, stride] */
  readonly logits: Tensor;
  /** u32 [rows]: token ids, or NO_TARGET. */
  readonly targets: Tensor;
  /** f32 [rows]: the natural logarithm of the target's probability, 0 where there is no target. */
  readonly scores: Tensor;
  readonly rows: number;
  readonly vocabulary: number;
  /** From a row of logits to the next. Default: `vocabulary`. */
  readonly stride?: number | undefined;
}

const GRID_WIDTH = 32768;

/** One dispatch: log softmax(logits[row])[targets[row]] for every row. */
export function recordScores(recorder: Recorder, call: ScoresCall): void {
  checkCall('recordScores', recorder, call);
  const { logits, targets, scores, rows, vocabulary, stride = vocabulary } = call;
  recorder.dispatch('score_rows', {
    buffers: { logits, targets, scores },
    params: { rows, vocabulary, stride },
    grid: [Math.min(rows, GRID_WIDTH), Math.ceil(rows / GRID_WIDTH)],
  });
}
