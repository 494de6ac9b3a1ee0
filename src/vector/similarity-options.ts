// The weights and the shape of multi-head similarity, checked.
import { checkBoolean, checkFloat, checkInteger, describe } from '../runtime/validate.js';
import { type HeadShape, projectedLength } from './head-projection.js';
import { checkShape, MAX_DIMENSIONS } from './training-options.js';

export interface MultiHeadSimilarityOptions {
  /** Numbers in a query and in a key. */
  dimensions: number;
  heads: number;
  /** Row-major [heads * headDimensions × dimensions]: the rows of head 0, then of head 1, and so on. */
  queryWeights: Float32Array;
  /** Of the same shape. */
  keyWeights: Float32Array;
  /** Dot products are divided by it. Default: the square root of a head's dimensions; with `normalize`, 1. */
  temperature?: number | undefined;
  /** Scale each head's vectors to length 1 first: scores are mean cosines. Default false. */
  normalize?: boolean | undefined;
}

const OPTION_KEYS = ['dimensions', 'heads', 'queryWeights', 'keyWeights', 'temperature', 'normalize'];
export interface CheckedModel {
  readonly shape: HeadShape;
  readonly temperature: number;
}

export function checkModel(
  where: string,
  options: MultiHeadSimilarityOptions,
  more: readonly string[] = [],
): CheckedModel {
  checkShape(where, options, [...OPTION_KEYS, ...more]);
  const { dimensions, heads, queryWeights, keyWeights, normalize = false } = options;
  checkInteger(where, 'heads', heads, { min: 1, max: MAX_DIMENSIONS });
  checkBoolean(where, 'normalize', normalize);
  checkWeights(where, 'queryWeights', queryWeights, dimensions * heads);
  checkWeights(where, 'keyWeights', keyWeights, dimensions * heads);
  if (keyWeights.length !== queryWeights.length)
    throw new RangeError(
      `${where}: keyWeights must have ${queryWeights.length} numbers as queryWeights has, got ${keyWeights.length}`,
    );
  const headDimensions = queryWeights.length / (dimensions * heads);
  const shape = { dimensions, heads, headDimensions, normalize };
  if (projectedLength(shape) > MAX_DIMENSIONS)
    throw new RangeError(
      `${where}: heads times their dimensions must be at most ${MAX_DIMENSIONS}, got ${heads * headDimensions}`,
    );
  const { temperature = normalize ? 1 : Math.sqrt(headDimensions) } = options;
  checkFloat(where, 'temperature', temperature, { min: 1e-6, max: 1e6 });
  return { shape, temperature };
}

function checkWeights(where: string, name: string, weights: unknown, unit: number): void {
  if (!(weights instanceof Float32Array))
    throw new TypeError(`${where}: ${name} must be a Float32Array, got ${describe(weights)}`);
  if (weights.length === 0 || weights.length % unit !== 0)
    throw new RangeError(
      `${where}: ${name} must hold the same number of rows for each head, a multiple of heads × dimensions = ${unit} numbers, got ${weights.length}`,
    );
  for (let i = 0; i < weights.length; i++)
    if (!Number.isFinite(weights[i]))
      throw new RangeError(`${where}: ${name}[${i}] must be a finite number, got ${weights[i]}`);
}
