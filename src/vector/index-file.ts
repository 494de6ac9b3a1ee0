// The container that indexes are saved in: magic, version, JSON header and aligned sections, all under checksums.
// Layout, little-endian: "WAVETILE", u32 version, u32 header bytes, header (JSON), u32 CRC32 of all before; then
// sections at multiples of 64, zeros between them; the file ends with the last section.
import { crc32 } from 'node:zlib';
import { bytesOf } from '../formats/bytes.js';
import { checkPath, SLICE_BYTES } from '../formats/input-file.js';
import { type OutputFile, writeAtomically } from '../runtime/atomic-file.js';
import { checkOneOf, checkOptions, describe } from '../runtime/validate.js';
import {
  encodeHeader,
  type Header,
  roundUpToAlignment,
  SECTION_ARRAYS,
  type SectionArray,
  type SectionEntry,
  type SectionType,
} from './index-header.js';
import { IndexFile } from './index-reader.js';

export type { SectionArray } from './index-header.js';
export { IndexFile } from './index-reader.js';

/** Bytes of one section, all at once or as a stream whose length is known. */
export type IndexSection =
  | { readonly name: string; readonly data: SectionArray }
  | {
      readonly name: string;
      readonly data: AsyncIterable<Uint8Array>;
      readonly bytes: number;
      /** What `read` returns the bytes as. Default 'u8'. */
      readonly type?: SectionType;
    };

export interface IndexFileContent {
  /** What the file holds, such as 'ivf-pq'. */
  readonly kind: string;
  /** Anything that JSON can hold. */
  readonly meta: unknown;
  readonly sections: readonly IndexSection[];
}

function describeSection(where: string, section: IndexSection): SectionEntry {
  const { name, data } = section;
  if (ArrayBuffer.isView(data)) {
    const type = [...SECTION_ARRAYS].find(([, array]) => data instanceof array)?.[0];
    if (!type) throw new TypeError(`${where}: section '${name}' must be an array of numbers, got ${describe(data)}`);
    return { name, type, bytes: data.byteLength, offset: 0, crc32: 0 };
  }
  const { bytes, type = 'u8' } = section as Extract<IndexSection, { bytes: number }>;
  checkOneOf(where, 'type', type, [...SECTION_ARRAYS.keys()]);
  const elementBytes = SECTION_ARRAYS.get(type)?.BYTES_PER_ELEMENT as number;
  if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes % elementBytes !== 0)
    throw new RangeError(`${where}: section '${name}' must have whole ${type} numbers, got ${bytes} bytes`);
  return { name, type, bytes, offset: 0, crc32: 0 };
}

/** Gives every section its place behind a header whose length does not depend on the checksums. */
function placeSections(kind: string, meta: unknown, entries: readonly SectionEntry[]): Header {
  // Offsets count from the first section, so that their digits do not change the header's length.
  let offset = 0;
  const sections = entries.map((entry) => {
    const placed = { ...entry, offset };
    offset = roundUpToAlignment(offset + entry.bytes);
    return placed;
  });
  return { kind, meta, sections };
}

async function* slicesOf(data: SectionArray | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts = ArrayBuffer.isView(data) ? [bytesOf(data)] : data;
  for await (const part of parts)
    for (let at = 0; at < part.length; at += SLICE_BYTES) yield part.subarray(at, at + SLICE_BYTES);
}

/** Writes one section and returns its checksum. */
async function writeSection(
  file: OutputFile,
  section: IndexSection,
  entry: SectionEntry,
  start: number,
): Promise<number> {
  let crc = 0;
  let done = 0;
  for await (const slice of slicesOf(section.data)) {
    if (done + slice.length > entry.bytes) break;
    crc = crc32(slice, crc);
    await file.writeAt(slice, start + done);
    done += slice.length;
  }
  if (done !== entry.bytes)
    throw new RangeError(`writeIndexFile: section '${entry.name}' must give ${entry.bytes} bytes, got ${done} whole`);
  return crc;
}

/**
 * Writes an index file. It appears complete or not at all: on failure or abort the path keeps what it had.
 *
 * @example
 * await writeIndexFile('cities.index', {
 *   kind: 'flat',
 *   meta: { dimensions: 2 },
 *   sections: [{ name: 'vectors', data: new Float32Array([1, 2, 3, 4]) }],
 * });
 */
export async function writeIndexFile(
  path: string,
  content: IndexFileContent,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  checkPath('writeIndexFile', path);
  checkOptions('writeIndexFile', content, ['kind', 'meta', 'sections']);
  checkOptions('writeIndexFile', options, ['signal']);
  const entries = content.sections.map((section) => describeSection('writeIndexFile', section));
  if (new Set(entries.map(({ name }) => name)).size !== entries.length)
    throw new RangeError('writeIndexFile: sections must have different names');
  const header = placeSections(content.kind, content.meta, entries);
  const dataStart = roundUpToAlignment(encodeHeader(header).length);
  const write = async (file: OutputFile) => {
    const sections: SectionEntry[] = [];
    let end = encodeHeader(header).length;
    for (const [i, section] of content.sections.entries()) {
      const start = dataStart + header.sections[i].offset;
      await file.writeAt(new Uint8Array(start - end), end);
      sections.push({ ...header.sections[i], crc32: await writeSection(file, section, header.sections[i], start) });
      end = start + header.sections[i].bytes;
    }
    await file.writeAt(encodeHeader({ ...header, sections }), 0);
  };
  await writeAtomically(path, write, options.signal);
}

/**
 * Opens an index file and checks its header and its length; each section is checked when it is read.
 *
 * @example
 * const file = await openIndexFile('cities.index', { kind: 'flat' });
 * try {
 *   const vectors = (await file.read('vectors')) as Float32Array;
 * } finally {
 *   await file.close();
 * }
 *
 * @throws ComputeError `INVALID_FILE` where it is another kind of file, from another version, truncated or damaged.
 */
export function openIndexFile(path: string, options: { kind?: string } = {}): Promise<IndexFile> {
  checkPath('openIndexFile', path);
  checkOptions('openIndexFile', options, ['kind']);
  return IndexFile.open(path, options.kind);
}
