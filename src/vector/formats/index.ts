// Vector files by their extension: .fvecs, .ivecs, .bvecs and .npy.
import { extname } from 'node:path';
import { checkPath } from '../../formats/input-file.js';
import { NPY } from './npy.js';
import { BVECS, FVECS, IVECS } from './vecs.js';
import type { ReadVectorsOptions, VectorFormat, VectorRange, WritableVectors } from './vectors.js';

export { readNpy, writeNpy } from './npy.js';
export { readBvecs, readFvecs, readIvecs, writeBvecs, writeFvecs, writeIvecs } from './vecs.js';
export type { ReadVectorsOptions, VectorData, VectorRange, Vectors, WritableVectors } from './vectors.js';

// A writer of one type checks what it is given when it runs, so widening its argument here is safe.
const FORMATS = new Map<string, VectorFormat>([
  ['.fvecs', FVECS as VectorFormat],
  ['.ivecs', IVECS as VectorFormat],
  ['.bvecs', BVECS as VectorFormat],
  ['.npy', NPY],
]);

/** Extensions of the vector files that can be read and written. */
export const VECTOR_EXTENSIONS: readonly string[] = [...FORMATS.keys()];

function formatOf(where: string, path: string): VectorFormat {
  const format = FORMATS.get(extname(checkPath(where, path)).toLowerCase());
  if (!format) throw new RangeError(`${where}: path must end in ${VECTOR_EXTENSIONS.join(', ')}, got '${path}'`);
  return format;
}

/**
 * Reads rows of a vector file; the extension says which format it has.
 *
 * @example
 * const base = await readVectors('base.fvecs');                                 // all of it
 * const part = await readVectors('base.fvecs', { first: 1_000_000, count: 500 }); // 500 rows, nothing else in memory
 * console.log(part.count, part.dimensions, part.total, part.data);
 *
 * @throws ComputeError `INVALID_FILE` where the file is truncated, damaged or not of that format.
 */
export function readVectors(path: string, options: ReadVectorsOptions = {}): Promise<VectorRange> {
  return formatOf('readVectors', path).read('readVectors', path, options);
}

/** Writes vectors in the format of the path's extension; the file appears complete or not at all. */
export function writeVectors(path: string, vectors: WritableVectors): Promise<void> {
  return formatOf('writeVectors', path).write('writeVectors', path, vectors);
}
