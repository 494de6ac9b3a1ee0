// Rows of the embedding matrix for tokens: where a model's residual stream begins.
import type { Recorder } from '../runtime/recorder.js';
import { checkTensor, type Tensor } from '../runtime/tensor.js';
import { checkInteger, describe } from '../runtime/validate.js';
import { type Activation, FORMS } from './activation.js';
import { checkCall, checkInstance } from './checks.js';
import { SCALINGS, TILE_ROWS, WEIGHT_KINDS, Weights } from './weights.js';

export interface EmbeddingCall {
  readonly weights: Weights;
  /** u32 [rows][4]: token, position, slot, live. A row that is not live, or of no token of the matrix, becomes zeros. */
  readonly steps: Tensor;
  readonly rows: number;
  /** Default 1. */
  readonly scale?: number | undefined;
  /** f32 [rows][columns padded to 32], written. */
  readonly hidden: Tensor;
  /** f32 [columns]: factors of what goes to `next`. */
  readonly norm?: Tensor | undefined;
  /** Gets hidden ⊙ norm, and the sums of squares of hidden. */
  readonly next?: Activation | undefined;
}

/** Records hidden = scale · rows of the matrix. */
export function recordEmbedding(recorder: Recorder, call: EmbeddingCall): void {
  checkCall('recordEmbedding', recorder, call);
  const { weights, steps, rows, scale = 1, hidden, norm, next } = call;
  checkInstance('recordEmbedding', 'weights', weights, Weights);
  checkInteger('recordEmbedding', 'rows', rows, { min: 1, max: 65535 });
  checkTensor('recordEmbedding', 'hidden', hidden);
  if (next !== undefined && norm === undefined)
    throw new TypeError(`recordEmbedding: norm must be given with next, got ${describe(norm)}`);
  for (const { firstTile, tiles, quants, scales } of weights.segments) {
    const first = firstTile * TILE_ROWS;
    recorder.dispatch('embed_rows', {
      buffers: {
        steps,
        quants,
        scales,
        norm: norm ?? hidden,
        hidden,
        values: next?.values ?? hidden,
        blocks: next?.blocks ?? hidden,
      },
      params: { columns: weights.columns, first, last: first + tiles * TILE_ROWS, vocabulary: weights.rows, scale },
      constants: {
        kind: WEIGHT_KINDS.indexOf(weights.kind),
        scaling: SCALINGS.indexOf(weights.scaling),
        withNext: next === undefined ? 0 : 1,
        form: next === undefined ? 0 : FORMS.indexOf(next.form),
      },
      grid: [Math.ceil(weights.blocks / 8), rows],
    });
  }
}
