// The header of a GGUF file, version 2 or 3: metadata and where each tensor lies. Weights are not read here.
import { ComputeError } from '../runtime/errors.js';
import { type Cursor, readWindow } from './gguf-cursor.js';
import { GgufMetadata, type GgufValue, readValue } from './gguf-metadata.js';
import { GGUF_TYPES } from './gguf-types.js';
import { checkPath, type InputFile, withInputFile } from './input-file.js';

export interface GgufTensor {
  readonly name: string;
  /** Name of the type, as in `GGUF_TYPES`. */
  readonly type: string;
  /** Slowest side first: [rows, columns] of a matrix, the reverse of the order in the file. */
  readonly shape: readonly number[];
  /** Product of all sides but the last. */
  readonly rows: number;
  /** Last side: weights that lie one after the other. */
  readonly columns: number;
  /** First byte in the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Gguf {
  readonly path: string;
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** In the file's order. */
  readonly tensors: readonly GgufTensor[];
  readonly alignment: number;
}

const MAGIC = 'GGUF';
const DEFAULT_ALIGNMENT = 32;
const MAX_ALIGNMENT = 1 << 20;
const MAX_NAME_BYTES = 65535;
const MAX_SIDES = 4;
/** Length of the key, one letter, type, value. */
const LEAST_ENTRY_BYTES = 8 + 1 + 4 + 1;
/** Length of the name, one letter, number of sides, a side, type, offset. */
const LEAST_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

/** A tensor whose place is still relative to the end of the header. */
type Placed = Omit<GgufTensor, 'offset'> & { readonly begin: number };

function readVersion(cursor: Cursor): number {
  if (cursor.take(4, 'the magic bytes').toString('latin1') !== MAGIC)
    throw cursor.file.invalid(0, `not a GGUF file: it does not begin with ${MAGIC}`);
  const version = cursor.u32('the version');
  const unsupported = (what: string, suggestion: string) =>
    new ComputeError('UNSUPPORTED', `${cursor.file.path}: ${what}`, { suggestion });
  if ((version & 0xffff) === 0 && version !== 0)
    throw unsupported('GGUF in big-endian byte order', 'convert it to little-endian with gguf_convert_endian.py');
  if (version === 0) throw cursor.file.invalid(4, 'the version cannot be 0');
  if (version < 2 || version > 3)
    throw unsupported(`GGUF of version ${version}`, 'convert the model again: versions 2 and 3 are read');
  return version;
}

function checkCount(cursor: Cursor, count: number, leastBytes: number, what: string): void {
  if (count > cursor.left / leastBytes)
    throw cursor.invalid(`the file cannot hold ${count} ${what}: only ${cursor.left} bytes follow`);
}

function readName(cursor: Cursor, what: string): string {
  const name = cursor.text(what, MAX_NAME_BYTES);
  if (name === '') throw cursor.invalid(`${what} is empty`);
  return name;
}

function readMetadata(cursor: Cursor, count: number): GgufMetadata {
  const values = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = readName(cursor, `the key of entry ${i}`);
    if (values.has(key)) throw cursor.invalid(`the key '${key}' occurs twice`);
    const type = cursor.u32(`the type of '${key}'`);
    values.set(key, readValue(cursor, type, `the value of '${key}'`));
  }
  return new GgufMetadata(cursor.file.path, values);
}

function readTensor(cursor: Cursor, index: number): Placed {
  const name = readName(cursor, `the name of tensor ${index}`);
  const what = `tensor '${name}'`;
  const sides = cursor.u32(`the number of sides of ${what}`);
  if (sides < 1 || sides > MAX_SIDES) throw cursor.invalid(`${what} cannot have ${sides} sides`);
  const shape: number[] = [];
  for (let i = 0; i < sides; i++) shape.unshift(cursor.count(`a side of ${what}`));
  const columns = shape[shape.length - 1];
  const elements = shape.reduce((product, side) => product * side, 1);
  if (elements === 0 || elements > Number.MAX_SAFE_INTEGER)
    throw cursor.invalid(`${what} cannot be of shape ${shape.join(' x ')}`);
  const number = cursor.u32(`the type of ${what}`);
  const type = GGUF_TYPES.get(number);
  if (!type) throw new ComputeError('UNSUPPORTED', `${cursor.file.path}: ${what} is of the unknown type ${number}`);
  if (columns % type.blockSize !== 0)
    throw cursor.invalid(
      `${what} of type ${type.name} cannot have rows of ${columns}: blocks are of ${type.blockSize}`,
    );
  const begin = cursor.count(`the offset of ${what}`);
  const bytes = (elements / type.blockSize) * type.blockBytes;
  return { name, type: type.name, shape, rows: elements / columns, columns, begin, bytes };
}

function readAlignment(file: InputFile, metadata: GgufMetadata): number {
  const alignment = metadata.number('general.alignment') ?? DEFAULT_ALIGNMENT;
  if (alignment < 1 || alignment > MAX_ALIGNMENT || !Number.isInteger(Math.log2(alignment)))
    throw file.invalid(0, `general.alignment must be a power of two, got ${alignment}`);
  return alignment;
}

/** Every tensor aligned, inside of the file and apart from the others. */
function place(file: InputFile, tensors: readonly Placed[], dataStart: number, alignment: number): GgufTensor[] {
  const placed = tensors.map(({ begin, ...tensor }) => {
    const offset = dataStart + begin;
    const what = `tensor '${tensor.name}'`;
    if (begin % alignment !== 0) throw file.invalid(offset, `${what} does not begin at a multiple of ${alignment}`);
    if (offset + tensor.bytes > file.bytes) throw file.truncated(offset, tensor.bytes, what);
    return { ...tensor, offset };
  });
  const sorted = [...placed].sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const [before, tensor] = [sorted[i - 1], sorted[i]];
    if (tensor.offset < before.offset + before.bytes)
      throw file.invalid(tensor.offset, `tensors '${before.name}' and '${tensor.name}' overlap`);
  }
  return placed;
}

function parse(cursor: Cursor): Gguf {
  const version = readVersion(cursor);
  const tensorCount = cursor.count('the number of tensors');
  const entryCount = cursor.count('the number of metadata entries');
  checkCount(cursor, tensorCount, LEAST_TENSOR_BYTES, 'tensors');
  checkCount(cursor, entryCount, LEAST_ENTRY_BYTES, 'metadata entries');
  const metadata = readMetadata(cursor, entryCount);
  const tensors: Placed[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const tensor = readTensor(cursor, i);
    if (names.has(tensor.name)) throw cursor.invalid(`the tensor '${tensor.name}' occurs twice`);
    names.add(tensor.name);
    tensors.push(tensor);
  }
  const alignment = readAlignment(cursor.file, metadata);
  const dataStart = Math.ceil(cursor.at / alignment) * alignment;
  return {
    path: cursor.file.path,
    version,
    metadata,
    tensors: place(cursor.file, tensors, dataStart, alignment),
    alignment,
  };
}

export const readGgufHeader = (file: InputFile): Promise<Gguf> => readWindow(file, parse);

/**
 * Reads the header of a GGUF file; every count, length and place in it is checked against the file.
 *
 * @throws ComputeError `INVALID_FILE` where the file is truncated, damaged or not of that format; `UNSUPPORTED` for
 * another version, byte order or type of tensor.
 */
export function readGguf(path: string): Promise<Gguf> {
  return withInputFile(checkPath('readGguf', path), readGgufHeader);
}
