// The metadata of a GGUF file: typed values by key. Long lists of strings stay bytes until one is asked for.
import { ComputeError } from '../runtime/errors.js';
import type { Cursor } from './gguf-cursor.js';

const LENGTH_BYTES = 8;

/** Strings of a vocabulary: decoded one at a time. */
export class StringTable implements Iterable<string> {
  readonly length: number;
  readonly #bytes: Buffer;
  /** Where each string starts, and where one after the last would; the length of the next lies before each. */
  readonly #starts: Uint32Array;

  constructor(bytes: Buffer, starts: Uint32Array) {
    this.length = starts.length - 1;
    this.#bytes = bytes;
    this.#starts = starts;
  }

  at(index: number): string {
    return this.bytes(index).toString('utf8');
  }

  /** Its UTF-8, or whatever stands in the file. */
  bytes(index: number): Buffer {
    if (!(index >= 0 && index < this.length))
      throw new RangeError(`StringTable: index must be below ${this.length}, got ${index}`);
    return this.#bytes.subarray(this.#starts[index], this.#starts[index + 1] - LENGTH_BYTES);
  }

  *[Symbol.iterator](): IterableIterator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}

export type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** A 64-bit integer is a number where a number is exact, a bigint otherwise. Booleans in a list are 0 and 1. */
export type GgufValue = number | bigint | boolean | string | NumberArray | StringTable;

interface Scalar {
  readonly bytes: number;
  readonly array: new (buffer: ArrayBuffer) => NumberArray;
  read(buffer: Buffer, at: number): number | bigint;
}

const exact = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;

const BOOL = 7;
const STRING = 8;
const ARRAY = 9;
const SCALARS: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { bytes: 1, array: Uint8Array, read: (buffer, at) => buffer.readUInt8(at) }],
  [1, { bytes: 1, array: Int8Array, read: (buffer, at) => buffer.readInt8(at) }],
  [2, { bytes: 2, array: Uint16Array, read: (buffer, at) => buffer.readUInt16LE(at) }],
  [3, { bytes: 2, array: Int16Array, read: (buffer, at) => buffer.readInt16LE(at) }],
  [4, { bytes: 4, array: Uint32Array, read: (buffer, at) => buffer.readUInt32LE(at) }],
  [5, { bytes: 4, array: Int32Array, read: (buffer, at) => buffer.readInt32LE(at) }],
  [6, { bytes: 4, array: Float32Array, read: (buffer, at) => buffer.readFloatLE(at) }],
  [BOOL, { bytes: 1, array: Uint8Array, read: (buffer, at) => buffer.readUInt8(at) }],
  [10, { bytes: 8, array: BigUint64Array, read: (buffer, at) => exact(buffer.readBigUInt64LE(at)) }],
  [11, { bytes: 8, array: BigInt64Array, read: (buffer, at) => exact(buffer.readBigInt64LE(at)) }],
  [12, { bytes: 8, array: Float64Array, read: (buffer, at) => buffer.readDoubleLE(at) }],
]);

function readStrings(cursor: Cursor, count: number, what: string): StringTable {
  if (count > cursor.left / LENGTH_BYTES) throw cursor.invalid(`${what} cannot hold ${count} strings`);
  const begin = cursor.at;
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const bytes = cursor.count(what);
    starts[i] = cursor.at - begin;
    cursor.need(bytes, what);
    cursor.at += bytes;
  }
  starts[count] = cursor.at - begin + LENGTH_BYTES;
  return new StringTable(Buffer.from(cursor.window.subarray(begin, cursor.at)), starts);
}

function readArray(cursor: Cursor, what: string): NumberArray | StringTable {
  const type = cursor.u32(`the type of ${what}`);
  const count = cursor.count(`the length of ${what}`);
  if (type === STRING) return readStrings(cursor, count, what);
  if (type === ARRAY) throw new ComputeError('UNSUPPORTED', `${cursor.file.path}: ${what} is a list of lists`);
  const scalar = SCALARS.get(type);
  if (!scalar) throw cursor.invalid(`${what} is a list of the unknown type ${type}`);
  if (count > cursor.left / scalar.bytes) throw cursor.file.truncated(cursor.at, count * scalar.bytes, what);
  const bytes = cursor.take(count * scalar.bytes, what);
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return new scalar.array(copy);
}

export function readValue(cursor: Cursor, type: number, what: string): GgufValue {
  if (type === STRING) return cursor.text(what);
  if (type === ARRAY) return readArray(cursor, what);
  const scalar = SCALARS.get(type);
  if (!scalar) throw cursor.invalid(`${what} is of the unknown type ${type}`);
  cursor.need(scalar.bytes, what);
  const value = scalar.read(cursor.window, cursor.at);
  cursor.at += scalar.bytes;
  return type === BOOL ? value !== 0 : value;
}

/** Values by key. A getter gives undefined where there is no such key and throws where its value is of another type. */
export class GgufMetadata {
  readonly path: string;
  readonly values: ReadonlyMap<string, GgufValue>;

  constructor(path: string, values: ReadonlyMap<string, GgufValue>) {
    this.path = path;
    this.values = values;
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  number(key: string): number | undefined {
    return this.#typed(key, 'a number', (value) => typeof value === 'number') as number | undefined;
  }

  boolean(key: string): boolean | undefined {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean') as boolean | undefined;
  }

  string(key: string): string | undefined {
    return this.#typed(key, 'a string', (value) => typeof value === 'string') as string | undefined;
  }

  strings(key: string): StringTable | undefined {
    return this.#typed(key, 'a list of strings', (value) => value instanceof StringTable) as StringTable | undefined;
  }

  numbers(key: string): NumberArray | undefined {
    return this.#typed(key, 'a list of numbers', ArrayBuffer.isView) as NumberArray | undefined;
  }

  #typed(key: string, expectation: string, matches: (value: GgufValue) => boolean): GgufValue | undefined {
    const value = this.values.get(key);
    if (value === undefined || matches(value)) return value;
    throw new ComputeError(
      'INVALID_FILE',
      `${this.path}: '${key}' must be ${expectation}, got ${describeValue(value)}`,
    );
  }
}

function describeValue(value: GgufValue): string {
  if (value instanceof StringTable) return `${value.length} strings`;
  if (ArrayBuffer.isView(value)) return `${value.length} numbers`;
  return typeof value === 'string' ? `'${value.slice(0, 40)}'` : String(value);
}
