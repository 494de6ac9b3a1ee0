// Vectors turned into their heads, one after the other: a matrix product, then each head scaled to length 1 if asked for.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { linearGrid } from './layout.js';

/** Rows here are row-major in whole chunks of four floats; heads too, so that each begins at a chunk. */
export interface HeadShape {
  readonly dimensions: number;
  readonly heads: number;
  readonly headDimensions: number;
  readonly normalize: boolean;
}

export const rowChunks = ({ dimensions }: HeadShape): number => Math.ceil(dimensions / 4);
const headChunks = ({ headDimensions }: HeadShape): number => Math.ceil(headDimensions / 4);
/** Floats of a projected row. */
export const projectedLength = (shape: HeadShape): number => shape.heads * headChunks(shape) * 4;

/** What scores are computed with; lives as long as its `MultiHeadSimilarity`. */
export interface HeadModel {
  readonly device: Device;
  readonly shape: HeadShape;
  readonly queryWeights: Tensor;
  readonly keyWeights: Tensor;
  /** The key weights transposed; not with `normalize`. */
  readonly foldedWeights: Tensor | undefined;
  /** Of the sum over all heads. */
  readonly scale: number;
}

/** Rows padded with zeros to whole chunks: the array itself where there is nothing to pad. */
export function padRows(rows: Float32Array, dimensions: number): Float32Array {
  const pitch = Math.ceil(dimensions / 4) * 4;
  if (pitch === dimensions) return rows;
  const count = rows.length / dimensions;
  const padded = new Float32Array(count * pitch);
  for (let r = 0; r < count; r++) padded.set(rows.subarray(r * dimensions, (r + 1) * dimensions), r * pitch);
  return padded;
}

/** Weights with zero rows behind each head that does not fill its last chunk. */
export function padWeights(weights: Float32Array, shape: HeadShape): Float32Array {
  const pitch = rowChunks(shape) * 4;
  const padded = padRows(weights, shape.dimensions);
  const [length, paddedLength] = [shape.headDimensions * pitch, headChunks(shape) * 4 * pitch];
  if (length === paddedLength) return padded;
  const result = new Float32Array(shape.heads * paddedLength);
  for (let h = 0; h < shape.heads; h++) result.set(padded.subarray(h * length, (h + 1) * length), h * paddedLength);
  return result;
}

/** Columns of padded weights as rows. */
export function transposeWeights(weights: Float32Array, shape: HeadShape): Float32Array {
  const [rows, columns] = [projectedLength(shape), rowChunks(shape) * 4];
  const result = new Float32Array(weights.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = weights[r * columns + c];
  return result;
}

/** With fewer tiles of 64 x 64 a large GPU waits for the slowest: measured on 132 multiprocessors. */
const FULL_GRID = 512;

export interface Product {
  readonly left: Tensor;
  readonly right: Tensor;
  readonly products: Tensor;
  readonly firstInvalid: Tensor;
}

interface ProductShape {
  readonly rows: number;
  readonly columns: number;
  readonly chunks: number;
  readonly scale: number;
  /** The first left (1) or right (2) row whose products are not finite or too large is put in `firstInvalid`. */
  readonly check: number;
}

/** products[row * columns + column] = scale * left row . right row. */
export function recordProduct(recorder: Recorder, buffers: Product, shape: ProductShape): void {
  const { check, ...params } = shape;
  const { rows, columns } = shape;
  const side = Math.ceil(rows / 64) * Math.ceil(columns / 64) >= FULL_GRID ? 64 : 32;
  recorder.dispatch('multiply_rows', {
    buffers,
    params: { ...params, stride: columns },
    constants: { side, check },
    grid: [Math.ceil(rows / side), Math.ceil(columns / side)],
  });
}

export interface Projection {
  readonly source: Tensor;
  readonly weights: Tensor;
  readonly projected: Tensor;
  readonly firstInvalid: Tensor;
  readonly rows: number;
}

/** Independent projections, recorded so that a device can overlap them. */
export function recordProjections(recorder: Recorder, shape: HeadShape, projections: readonly Projection[]): void {
  const columns = projectedLength(shape);
  for (const { source: left, weights: right, projected: products, firstInvalid, rows } of projections) {
    const product = { rows, columns, chunks: rowChunks(shape), scale: 1, check: 1 };
    recordProduct(recorder, { left, right, products, firstInvalid }, product);
  }
  if (!shape.normalize) return;
  for (const { projected, rows } of projections) {
    recorder.dispatch('normalize_rows', {
      buffers: { vectors: projected },
      params: { rows: rows * shape.heads, chunks: headChunks(shape) },
      grid: linearGrid(Math.ceil((rows * shape.heads) / 32)),
    });
  }
}
