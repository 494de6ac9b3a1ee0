// The weights of a model on the device, by what they do.
import type { Weights } from '../nn/weights.js';
import type { Tensor } from '../runtime/tensor.js';

/** A norm, and the matrix that reads what it gives. */
export interface Next {
  readonly norm: Tensor;
  readonly reader: Weights;
}

/** One of the matrices that together give a token's queries, keys and values. */
export interface HeadProjection {
  readonly weights: Weights;
  /** Where its results begin in a row of `HeadLayout.columns`. */
  readonly firstColumn: number;
  readonly bias?: Tensor | undefined;
}

/** Where queries, keys and values begin in a row, each at a multiple of 32. */
export interface HeadLayout {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly keyColumn: number;
  readonly valueColumn: number;
  readonly columns: number;
}

export interface Layer {
  readonly index: number;
  readonly attentionNorm: Tensor;
  readonly headProjections: readonly HeadProjection[];
  /** [head size] */
  readonly queryNorm?: Tensor | undefined;
  readonly keyNorm?: Tensor | undefined;
  /** Tokens that a token sees, itself included; 0: all. */
  readonly window: number;
  /** (cos, sin) of each position. */
  readonly rope: Tensor;
  readonly output: Weights;
  readonly postAttentionNorm?: Tensor | undefined;
  readonly feedForwardNorm: Tensor;
  /** Tiles of gate and up in turns. */
  readonly gateUp: Weights;
  readonly down: Weights;
  readonly postFeedForwardNorm?: Tensor | undefined;
}

export interface ModelWeights {
  readonly embedding: Weights;
  readonly layers: readonly Layer[];
  readonly final: Next;
  /** What goes when the model goes. */
  readonly owned: readonly Disposable[];
}

const aligned = (count: number) => Math.ceil(count / 32) * 32;

export function headLayout(heads: number, kvHeads: number, headSize: number): HeadLayout {
  const keyColumn = aligned(heads * headSize);
  const valueColumn = keyColumn + aligned(kvHeads * headSize);
  return { heads, kvHeads, headSize, keyColumn, valueColumn, columns: valueColumn + aligned(kvHeads * headSize) };
}
