// The head of a NumPy .npy file: magic, version, and a Python dictionary with the array's type, order and shape.
import type { InputFile } from '../../formats/input-file.js';

const MAGIC = '\x93NUMPY';
const PREFIX_BYTES = 8; // magic and two version bytes
const MAX_HEADER_BYTES = 1 << 20;

/** How the numbers of an .npy file are stored. */
export type NpyType = 'f2' | 'f4' | 'f8' | 'i1' | 'i4' | 'i8' | 'u1' | 'u4';

const NPY_TYPES: readonly NpyType[] = ['f2', 'f4', 'f8', 'i1', 'i4', 'i8', 'u1', 'u4'];

export interface NpyHeader {
  readonly type: NpyType;
  readonly count: number;
  readonly dimensions: number;
  /** Where the numbers begin. */
  readonly dataOffset: number;
}

async function readHeaderText(file: InputFile): Promise<{ text: string; textOffset: number; dataOffset: number }> {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  await file.read(prefix, 0, 'the .npy magic and version');
  if (prefix.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw file.invalid(
      0,
      `expected the .npy magic "\\x93NUMPY", got ${JSON.stringify(prefix.toString('latin1', 0, 6))}`,
    );
  const [major, minor] = [prefix[6], prefix[7]];
  if (major < 1 || major > 3 || minor !== 0)
    throw file.invalid(6, `expected .npy version 1.0, 2.0 or 3.0, got ${major}.${minor}`);
  const length = Buffer.alloc(major === 1 ? 2 : 4);
  await file.read(length, PREFIX_BYTES, 'the header length');
  const bytes = length.readUIntLE(0, length.length);
  if (bytes > MAX_HEADER_BYTES)
    throw file.invalid(PREFIX_BYTES, `expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${bytes}`);
  const textOffset = PREFIX_BYTES + length.length;
  if (textOffset + bytes > file.bytes) throw file.truncated(textOffset, bytes, 'the header');
  const text = Buffer.alloc(bytes);
  await file.read(text, textOffset, 'the header');
  return { text: text.toString(major === 3 ? 'utf8' : 'latin1'), textOffset, dataOffset: textOffset + bytes };
}

function field(text: string, name: string, value: string): string | undefined {
  return new RegExp(`['"]${name}['"]\\s*:\\s*${value}`).exec(text)?.[1];
}

function parseType(file: InputFile, text: string, offset: number): NpyType {
  const found = field(text, 'descr', `['"]([^'"]*)['"]`);
  if (found === undefined) throw file.invalid(offset, "expected 'descr' with a plain number type in the header");
  const [, order, type] = /^([<>|=]?)(.*)$/.exec(found) as unknown as [string, string, string];
  if (order === '>')
    throw file.invalid(offset, `expected little-endian numbers, got '${found}'`, 'save array.astype("<f4")');
  if (!(NPY_TYPES as readonly string[]).includes(type))
    throw file.invalid(offset, `expected one of the types ${NPY_TYPES.join(', ')}, got '${found}'`);
  return type as NpyType;
}

function parseShape(file: InputFile, text: string, offset: number): { count: number; dimensions: number } {
  const shape = field(text, 'shape', '\\(([0-9,\\sL]*)\\)');
  if (shape === undefined) throw file.invalid(offset, "expected 'shape' with a tuple in the header");
  const sizes = shape.split(',').map((size) => size.trim().replace(/L$/, ''));
  if (sizes.at(-1) === '') sizes.pop();
  const numbers = sizes.map((size) => (/^[0-9]+$/.test(size) ? Number(size) : Number.NaN));
  const [count, dimensions = 1] = numbers;
  if (numbers.length < 1 || numbers.length > 2 || !Number.isSafeInteger(count * dimensions))
    throw file.invalid(offset, `expected an array of one or two axes, got shape (${shape})`);
  return { count, dimensions };
}

/** Reads and checks the head; the numbers that it promises are known to be in the file, and nothing after them. */
export async function readNpyHeader(file: InputFile): Promise<NpyHeader> {
  const { text, textOffset, dataOffset } = await readHeaderText(file);
  const type = parseType(file, text, textOffset);
  const order = field(text, 'fortran_order', '(True|False)');
  if (order === undefined) throw file.invalid(textOffset, "expected 'fortran_order' with True or False in the header");
  if (order === 'True')
    throw file.invalid(
      textOffset,
      'expected rows one after the other (C order), got Fortran order',
      'save numpy.ascontiguousarray(array)',
    );
  const { count, dimensions } = parseShape(file, text, textOffset);
  const bytes = count * dimensions * Number(type[1]);
  const present = file.bytes - dataOffset;
  if (bytes > present) throw file.truncated(dataOffset, bytes, `${count} rows of ${dimensions} '${type}' numbers`);
  if (bytes < present)
    throw file.invalid(dataOffset + bytes, `expected the end of the file, got ${present - bytes} more bytes`);
  return { type, count, dimensions, dataOffset };
}

/** The head that NumPy itself would write (version 1.0), padded so that the numbers begin at a multiple of 64. */
export function npyHeader(descr: string, count: number, dimensions: number): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${count}, ${dimensions}), }`;
  const bytes = Math.ceil((PREFIX_BYTES + 2 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(bytes, ' ');
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt16LE(1, 6);
  header.writeUInt16LE(bytes - PREFIX_BYTES - 2, PREFIX_BYTES);
  header.write(text, PREFIX_BYTES + 2, 'latin1');
  header.write('\n', bytes - 1, 'latin1');
  return header;
}
