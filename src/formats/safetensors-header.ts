// The header of a safetensors file: JSON with names, types, shapes and places of tensors, and text metadata.
import type { InputFile } from './input-file.js';

export interface SafetensorsEntry {
  readonly name: string;
  /** As the file says, 'F32' or 'BF16'. */
  readonly dtype: string;
  /** Slowest side first. */
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the header's order. */
  readonly entries: readonly SafetensorsEntry[];
  /** First byte after the header. */
  readonly dataStart: number;
}

const PREFIX_BYTES = 8;
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of a number; a type that is not here is known by its name alone. */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map((name) => [name, 1] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map((name) => [name, 2] as const),
  ...['U32', 'I32', 'F32'].map((name) => [name, 4] as const),
  ...['U64', 'I64', 'F64', 'C64'].map((name) => [name, 8] as const),
]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(file: InputFile, dataStart: number, [name, value]: [string, unknown]): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  const wrong = (what: string) => file.invalid(PREFIX_BYTES, `tensor '${name}' ${what}`);
  if (typeof dtype !== 'string') throw wrong('has no type');
  if (!Array.isArray(shape) || !shape.every(isCount)) throw wrong('has no shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) throw wrong('has no offsets');
  const [begin, end] = offsets as [number, number];
  const length = shape.reduce((product: number, side: number) => product * side, 1);
  const size = DTYPE_BYTES.get(dtype);
  if (end < begin || (size !== undefined && end - begin !== length * size))
    throw wrong(`of shape ${shape.join(' x ')} and type ${dtype} cannot have ${end - begin} bytes`);
  return { name, dtype, shape, offset: dataStart + begin, bytes: end - begin };
}

function parseMetadata(file: InputFile, value: unknown): Record<string, string> {
  const metadata = value ?? {};
  if (!isObject(metadata) || !Object.values(metadata).every((text) => typeof text === 'string'))
    throw file.invalid(PREFIX_BYTES, 'the metadata must be text by name');
  return metadata as Record<string, string>;
}

async function readJson(file: InputFile): Promise<{ json: Record<string, unknown>; dataStart: number }> {
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
function checkLayout(file: InputFile, entries: readonly SafetensorsEntry[], dataStart: number): void {
  let at = dataStart;
  for (const { name, offset, bytes } of [...entries].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (offset !== at)
      throw file.invalid(
        at,
        `tensor '${name}' begins at ${offset - dataStart} of the data, expected ${at - dataStart}`,
      );
    at += bytes;
  }
  if (file.bytes < at) throw file.truncated(dataStart, at - dataStart, 'the tensors');
  if (file.bytes > at) throw file.invalid(at, `expected the end of the file, got ${file.bytes - at} more bytes`);
}

/** Names, types and places of all tensors, checked against the file's length. */
export async function readSafetensorsHeader(file: InputFile): Promise<SafetensorsHeader> {
  const { json, dataStart } = await readJson(file);
  const { __metadata__, ...rest } = json;
  const metadata = parseMetadata(file, __metadata__);
  const entries = Object.entries(rest).map((entry) => parseEntry(file, dataStart, entry));
  checkLayout(file, entries, dataStart);
  return { metadata, entries, dataStart };
}
