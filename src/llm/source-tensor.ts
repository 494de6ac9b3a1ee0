// Where a tensor's bytes lie in a file, and parts of it.
import type { LoadableType } from '../formats/gguf-types.js';

/** A matrix, or a vector as a single row. Rows lie one after the other; blocks of quantized types never cross rows. */
export interface SourceTensor {
  readonly name: string;
  /** The file that holds it. */
  readonly path: string;
  readonly type: LoadableType;
  readonly rows: number;
  readonly columns: number;
  /** First byte in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Rows [first, first + rows) of a matrix. */
export function rowsOf(tensor: SourceTensor, first: number, rows: number): SourceTensor {
  const rowBytes = tensor.bytes / tensor.rows;
  return { ...tensor, rows, offset: tensor.offset + first * rowBytes, bytes: rows * rowBytes };
}

/** Numbers [first, first + columns) of a vector of a type without blocks. */
export function columnsOf(tensor: SourceTensor, first: number, columns: number): SourceTensor {
  const bytes = tensor.bytes / tensor.columns;
  return { ...tensor, columns, offset: tensor.offset + first * bytes, bytes: columns * bytes };
}
