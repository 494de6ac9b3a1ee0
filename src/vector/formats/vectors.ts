// What all vector files have in common: the rows that come out, the range that is asked for, the memory they need.
import { ComputeError } from '../../runtime/errors.js';
import { checkInteger, checkOptions, describe } from '../../runtime/validate.js';

/** Numbers that a vector file may hold. */
export type VectorData = Float32Array | Int32Array | Uint32Array | Int8Array | Uint8Array | BigInt64Array;

/** Vectors as they lie in a file: `data` is row-major, `count` rows of `dimensions` numbers. */
export interface Vectors<Data extends VectorData = VectorData> {
  readonly count: number;
  readonly dimensions: number;
  readonly data: Data;
}

/** Vectors read from a file that may hold more of them. */
export interface VectorRange<Data extends VectorData = VectorData> extends Vectors<Data> {
  /** Row of the file that `data` begins with. */
  readonly first: number;
  /** Rows of the whole file. */
  readonly total: number;
}

/** Which rows to read. */
export interface ReadVectorsOptions {
  /** First row, default 0. */
  readonly first?: number;
  /** Rows at most, default all that follow; fewer come back at the end of the file. */
  readonly count?: number;
}

/** What a writer takes: the same fields that a reader returns. */
export type WritableVectors<Data extends VectorData = VectorData> = Pick<Vectors<Data>, 'dimensions' | 'data'>;

export function checkPath(where: string, path: unknown): string {
  if (typeof path !== 'string' || path === '')
    throw new TypeError(`${where}: path must be a non-empty string, got ${describe(path)}`);
  return path;
}

export function checkRange(where: string, options: ReadVectorsOptions): ReadVectorsOptions {
  checkOptions(where, options, ['first', 'count']);
  const limits = { min: 0, max: Number.MAX_SAFE_INTEGER };
  if (options.first !== undefined) checkInteger(where, 'first', options.first, limits);
  if (options.count !== undefined) checkInteger(where, 'count', options.count, limits);
  return options;
}

/** The rows of `options` that a file of `total` rows has. */
export function resolveRange(
  path: string,
  options: ReadVectorsOptions,
  total: number,
): { first: number; count: number } {
  const first = options.first ?? 0;
  if (first > total)
    throw new RangeError(`${path}: first must be at most ${total}, the rows of the file, got ${first}`);
  return { first, count: Math.min(options.count ?? total, total - first) };
}

/** Memory for `length` numbers, which the caller has checked against the file's size. */
export function allocate<Data extends VectorData>(
  path: string,
  type: new (length: number) => Data,
  length: number,
): Data {
  try {
    return new type(length);
  } catch (cause) {
    throw new ComputeError('OUT_OF_MEMORY', `${path}: no memory for an array of ${length} numbers`, {
      suggestion: 'read the file in parts',
      cause,
    });
  }
}

/** Checks what a writer is given and returns the number of rows. */
export function checkWritable<Data extends VectorData>(
  where: string,
  vectors: WritableVectors<Data>,
  types: readonly (new (length: number) => Data)[],
): number {
  const { dimensions, data } = vectors ?? {};
  if (!types.some((type) => data instanceof type))
    throw new TypeError(`${where}: data must be ${types.map(({ name }) => name).join(' or ')}, got ${describe(data)}`);
  checkInteger(where, 'dimensions', dimensions, { min: 1, max: 0x7fffffff });
  if (data.length % dimensions !== 0)
    throw new RangeError(`${where}: data must hold whole rows of ${dimensions} numbers, got ${data.length} numbers`);
  return data.length / dimensions;
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
