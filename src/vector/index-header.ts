// The head of an index file as bytes and back, with every check that can be made before a section is read.
import { crc32 } from 'node:zlib';
import type { InputFile } from '../formats/input-file.js';

const FORMAT_VERSION = 1;
const MAGIC = 'WAVETILE';
const PREFIX_BYTES = 16; // magic, version, header length
const CRC_BYTES = 4;
const ALIGNMENT = 64;

/** Arrays that a section can hold. */
export type SectionArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
export type SectionType = 'f32' | 'f64' | 'i8' | 'u8' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64';

interface SectionArrayType {
  new (buffer: ArrayBuffer): SectionArray;
  readonly BYTES_PER_ELEMENT: number;
}

export const SECTION_ARRAYS: ReadonlyMap<SectionType, SectionArrayType> = new Map<SectionType, SectionArrayType>([
  ['f32', Float32Array],
  ['f64', Float64Array],
  ['i8', Int8Array],
  ['u8', Uint8Array],
  ['u16', Uint16Array],
  ['i32', Int32Array],
  ['u32', Uint32Array],
  ['i64', BigInt64Array],
  ['u64', BigUint64Array],
]);

export interface SectionEntry {
  readonly name: string;
  readonly type: SectionType;
  /** From the start of the first section. */
  readonly offset: number;
  readonly bytes: number;
  readonly crc32: number;
}

export interface Header {
  readonly kind: string;
  readonly meta: unknown;
  readonly sections: readonly SectionEntry[];
}

export function roundUpToAlignment(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The head's bytes. Checksums have a fixed width, so the length is known before they are. */
export function encodeHeader(header: Header): Buffer {
  const sections = header.sections.map((entry) => ({ ...entry, crc32: entry.crc32.toString(16).padStart(8, '0') }));
  const json = Buffer.from(JSON.stringify({ kind: header.kind, meta: header.meta, sections }));
  const head = Buffer.alloc(PREFIX_BYTES + json.length + CRC_BYTES);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(FORMAT_VERSION, 8);
  head.writeUInt32LE(json.length, 12);
  json.copy(head, PREFIX_BYTES);
  head.writeUInt32LE(crc32(head.subarray(0, -CRC_BYTES)), head.length - CRC_BYTES);
  return head;
}

function parseSection(entry: Record<string, unknown>, expectedOffset: number): SectionEntry | undefined {
  const { name, type, offset, bytes, crc32: crc } = entry ?? {};
  const elementBytes = SECTION_ARRAYS.get(type as SectionType)?.BYTES_PER_ELEMENT;
  const sound =
    typeof name === 'string' &&
    elementBytes !== undefined &&
    offset === expectedOffset &&
    Number.isSafeInteger(bytes) &&
    (bytes as number) >= 0 &&
    (bytes as number) % elementBytes === 0 &&
    /^[0-9a-f]{8}$/.test(String(crc));
  if (!sound) return undefined;
  return { name, type: type as SectionType, offset, bytes: bytes as number, crc32: Number.parseInt(crc as string, 16) };
}

/** The header's JSON, trusted no further than its checksum: any program may have written the file. */
function parseHeader(file: InputFile, json: string): Header {
  const damaged = () => file.invalid(PREFIX_BYTES, 'the header does not describe an index');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(json);
  } catch {
    throw damaged();
  }
  if (typeof header?.kind !== 'string' || !Array.isArray(header.sections)) throw damaged();
  const sections: SectionEntry[] = [];
  let offset = 0;
  for (const entry of header.sections) {
    const section = parseSection(entry, offset);
    if (!section || sections.some(({ name }) => name === section.name)) throw damaged();
    sections.push(section);
    offset = roundUpToAlignment(section.offset + section.bytes);
  }
  return { kind: header.kind, meta: header.meta, sections };
}

async function readPrefix(file: InputFile): Promise<number> {
  const prefix = Buffer.alloc(Math.min(PREFIX_BYTES, file.bytes));
  await file.read(prefix, 0, 'the start of the header');
  const magic = prefix.toString('latin1', 0, Math.min(MAGIC.length, prefix.length));
  if (magic !== MAGIC.slice(0, magic.length) || magic === '')
    throw file.invalid(0, `not an index file: expected "${MAGIC}", got ${JSON.stringify(magic)}`);
  if (prefix.length < PREFIX_BYTES) throw file.truncated(0, PREFIX_BYTES, 'the start of the header');
  const version = prefix.readUInt32LE(8);
  if (version !== FORMAT_VERSION)
    throw file.invalid(8, `written by format ${version}, this build reads ${FORMAT_VERSION}`, 'build the index again');
  return prefix.readUInt32LE(12);
}

/** Reads the head. Returns where the first section begins, knowing that the file is as long as the table says. */
export async function readHeader(file: InputFile): Promise<{ header: Header; dataStart: number }> {
  const jsonBytes = await readPrefix(file);
  const headBytes = PREFIX_BYTES + jsonBytes + CRC_BYTES;
  if (headBytes > file.bytes) throw file.truncated(PREFIX_BYTES, jsonBytes + CRC_BYTES, 'the header');
  const head = Buffer.alloc(headBytes);
  await file.read(head, 0, 'the header');
  if (crc32(head.subarray(0, -CRC_BYTES)) !== head.readUInt32LE(headBytes - CRC_BYTES))
    throw file.invalid(PREFIX_BYTES, 'the header is damaged: its checksum does not match');
  const header = parseHeader(file, head.toString('utf8', PREFIX_BYTES, headBytes - CRC_BYTES));
  const dataStart = roundUpToAlignment(headBytes);
  const last = header.sections.at(-1);
  const expected = last ? dataStart + last.offset + last.bytes : headBytes;
  if (file.bytes < expected) throw file.truncated(headBytes, expected - headBytes, 'sections');
  if (file.bytes > expected)
    throw file.invalid(expected, `expected the end of the file, got ${file.bytes - expected} more bytes`);
  if (last) await checkZeros(file, headBytes, dataStart);
  return { header, dataStart };
}

/** Checks the padding of [from, to), which no checksum covers. */
export async function checkZeros(file: InputFile, from: number, to: number): Promise<void> {
  const padding = new Uint8Array(to - from);
  await file.read(padding, from, 'padding');
  const at = padding.findIndex((byte) => byte !== 0);
  if (at >= 0) throw file.invalid(from + at, `the file is damaged: expected a zero of padding, got ${padding[at]}`);
}
