// Safetensors files of float32 tensors: a JSON header with names, shapes and text metadata, then the numbers.
import { crc32 } from 'node:zlib';
import { writeAtomically } from './atomic-file.js';
import { type InputFile, SLICE_BYTES, withInputFile } from './input-file.js';
import { allocate, bytesOf, checkPath } from './vectors.js';

export interface SafeTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface SafeTensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafeTensor>;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const PREFIX_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const CHECKSUM = 'crc32';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(file: InputFile, name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  const wrong = (what: string) => file.invalid(PREFIX_BYTES, `tensor '${name}' ${what}`);
  if (dtype !== 'F32') throw wrong(`must be of type F32, got ${String(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong('has no shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw wrong('has no offsets');
  const [begin, end] = offsets as [number, number];
  const length = shape.reduce((product: number, side: number) => product * side, 1);
  if (end - begin !== length * 4) throw wrong(`of shape ${shape.join(' x ')} cannot have ${end - begin} bytes`);
  return { name, shape, begin, end };
}

function parseMetadata(file: InputFile, value: unknown): Record<string, string> {
  const metadata = value ?? {};
  if (!isObject(metadata) || !Object.values(metadata).every((text) => typeof text === 'string'))
    throw file.invalid(PREFIX_BYTES, 'the metadata must be text by name');
  return metadata as Record<string, string>;
}

async function readHeader(file: InputFile): Promise<{ json: Record<string, unknown>; dataStart: number }> {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  await file.read(prefix, 0, 'the header length');
  const length = prefix.readBigUInt64LE(0);
  if (length < 2n || length > BigInt(MAX_HEADER_BYTES))
    throw file.invalid(0, `not a safetensors file: its header would have ${length} bytes`);
  const dataStart = PREFIX_BYTES + Number(length);
  if (dataStart > file.bytes) throw file.truncated(PREFIX_BYTES, Number(length), 'the header');
  const text = Buffer.alloc(Number(length));
  await file.read(text, PREFIX_BYTES, 'the header');
  let json: unknown;
  try {
    json = JSON.parse(text.toString('utf8'));
  } catch {
    throw file.invalid(PREFIX_BYTES, 'the header is not JSON');
  }
  if (!isObject(json)) throw file.invalid(PREFIX_BYTES, 'the header must be an object');
  return { json, dataStart };
}

/** The tensors one after the other, with neither gap nor overlap, to the very end of the file. */
function checkLayout(file: InputFile, entries: readonly Entry[], dataStart: number): void {
  let at = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== at)
      throw file.invalid(dataStart + at, `tensor '${name}' begins at ${begin} of the data, expected ${at}`);
    at = end;
  }
  if (file.bytes < dataStart + at) throw file.truncated(dataStart, at, 'the tensors');
  if (file.bytes > dataStart + at)
    throw file.invalid(dataStart + at, `expected the end of the file, got ${file.bytes - dataStart - at} more bytes`);
}

async function readAll(path: string): Promise<SafeTensors> {
  return withInputFile(path, async (file) => {
    const { json, dataStart } = await readHeader(file);
    const { __metadata__, ...rest } = json;
    const metadata = parseMetadata(file, __metadata__);
    const entries = Object.entries(rest).map(([name, value]) => parseEntry(file, name, value));
    checkLayout(file, entries, dataStart);
    const tensors = new Map<string, SafeTensor>();
    let checksum = 0;
    for (const { name, shape, begin, end } of entries) {
      const data = allocate(path, Float32Array, (end - begin) / 4);
      await file.read(bytesOf(data), dataStart + begin, `tensor '${name}'`);
      checksum = crc32(bytesOf(data), checksum);
      tensors.set(name, { shape, data });
    }
    const expected = metadata[CHECKSUM];
    if (expected !== undefined && expected !== checksum.toString(16))
      throw file.invalid(dataStart, 'the file is damaged: the checksum of its tensors does not match');
    return { metadata, tensors };
  });
}

/**
 * Reads all tensors of a safetensors file; every one must be F32.
 *
 * @throws ComputeError `INVALID_FILE` where the file is truncated, damaged or not of that format.
 */
export function readSafetensors(path: string): Promise<SafeTensors> {
  return readAll(checkPath('readSafetensors', path));
}

/** Writes float32 tensors with text metadata and a checksum; the file appears complete or not at all. */
export function writeSafetensors(path: string, content: SafeTensors, signal?: AbortSignal): Promise<void> {
  checkPath('writeSafetensors', path);
  const header: Record<string, unknown> = {};
  let at = 0;
  let checksum = 0;
  for (const [name, { shape, data }] of content.tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + data.byteLength] };
    at += data.byteLength;
    checksum = crc32(bytesOf(data), checksum);
  }
  const metadata = { ...content.metadata, [CHECKSUM]: checksum.toString(16) };
  const text = Buffer.from(JSON.stringify({ __metadata__: metadata, ...header }));
  const json = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const write = async (file: { append(bytes: Uint8Array): Promise<void> }) => {
    await file.append(Buffer.concat([prefix, json]));
    for (const { data } of content.tensors.values()) {
      const bytes = bytesOf(data);
      for (let done = 0; done < bytes.length; done += SLICE_BYTES)
        await file.append(bytes.subarray(done, done + SLICE_BYTES));
    }
  };
  return writeAtomically(path, write, signal);
}
