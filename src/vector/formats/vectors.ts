// What all vector files have in common: the rows that come out and the range that is asked for.
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
  readonly first?: number | undefined;
  /** Rows at most, default all that follow; fewer come back at the end of the file. */
  readonly count?: number | undefined;
}

/** What a writer takes: the same fields that a reader returns. */
export type WritableVectors<Data extends VectorData = VectorData> = Pick<Vectors<Data>, 'dimensions' | 'data'>;

/** A kind of file; `where` is what the user called. */
export interface VectorFormat<Data extends VectorData = VectorData> {
  read(where: string, path: string, options: ReadVectorsOptions): Promise<VectorRange<Data>>;
  write(where: string, path: string, vectors: WritableVectors<Data>): Promise<void>;
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

/** Checks what a writer is given and returns the number of rows. */
export function checkWritable<Data extends VectorData>(
  where: string,
  vectors: WritableVectors<Data>,
  types: readonly (new (length: number) => Data)[],
): number {
  if (typeof vectors !== 'object' || vectors === null || ArrayBuffer.isView(vectors))
    throw new TypeError(`${where}: vectors must be { data, dimensions }, got ${describe(vectors)}`);
  const { dimensions, data } = vectors;
  if (!types.some((type) => data instanceof type))
    throw new TypeError(`${where}: data must be ${types.map(({ name }) => name).join(' or ')}, got ${describe(data)}`);
  checkInteger(where, 'dimensions', dimensions, { min: 1, max: 0x7fffffff });
  if (data.length % dimensions !== 0)
    throw new RangeError(`${where}: data must hold whole rows of ${dimensions} numbers, got ${data.length} numbers`);
  return data.length / dimensions;
}
