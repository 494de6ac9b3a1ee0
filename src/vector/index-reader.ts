// An open index file: its header at hand, its sections read whole or as a stream, each checked against its CRC32.
import { crc32 } from 'node:zlib';
import { allocate } from '../formats/bytes.js';
import { InputFile, SLICE_BYTES } from '../formats/input-file.js';
import { checkInteger, checkOptions } from '../runtime/validate.js';
import {
  checkZeros,
  type Header,
  readHeader,
  roundUpToAlignment,
  SECTION_ARRAYS,
  type SectionArray,
  type SectionEntry,
} from './index-header.js';

interface StreamOptions {
  /** Bytes of a chunk at most, default 1 MiB, limit 4 MiB. */
  readonly chunkBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** An index file opened for reading. Get one from `openIndexFile`; close it when done. */
export class IndexFile implements AsyncDisposable {
  readonly kind: string;
  readonly meta: unknown;
  /** The table of sections, in the order they were written. */
  readonly sections: readonly SectionEntry[];
  readonly #file: InputFile;
  readonly #dataStart: number;

  private constructor(file: InputFile, header: Header, dataStart: number) {
    this.kind = header.kind;
    this.meta = header.meta;
    this.sections = header.sections;
    this.#file = file;
    this.#dataStart = dataStart;
  }

  static async open(path: string, kind?: string): Promise<IndexFile> {
    const file = await InputFile.open(path);
    try {
      const { header, dataStart } = await readHeader(file);
      if (kind !== undefined && header.kind !== kind)
        throw file.invalid(0, `expected an index of kind '${kind}', got '${header.kind}'`);
      return new IndexFile(file, header, dataStart);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** A section as the array it was written from. */
  async read(name: string, options: { signal?: AbortSignal | undefined } = {}): Promise<SectionArray> {
    const section = this.#section(name);
    const bytes = allocate(this.path, Uint8Array, section.bytes);
    const start = this.#dataStart + section.offset;
    let crc = 0;
    for (let done = 0; done < bytes.length; done += SLICE_BYTES) {
      options.signal?.throwIfAborted();
      const slice = bytes.subarray(done, done + SLICE_BYTES);
      await this.#file.read(slice, start + done, `section '${name}'`);
      crc = crc32(slice, crc);
    }
    await this.#verify(section, crc);
    const array = SECTION_ARRAYS.get(section.type) as NonNullable<ReturnType<typeof SECTION_ARRAYS.get>>;
    return new array(bytes.buffer as ArrayBuffer);
  }

  /**
   * A section's bytes in chunks, each valid until the next is asked for. A damaged section is noticed at its end, so
   * what was made of the chunks is to be thrown away when the stream throws.
   */
  async *stream(name: string, options: StreamOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    checkOptions('stream', options, ['chunkBytes', 'signal']);
    const { chunkBytes = SLICE_BYTES, signal } = options;
    checkInteger('stream', 'chunkBytes', chunkBytes, { min: 1, max: 4 << 20 });
    const section = this.#section(name);
    const start = this.#dataStart + section.offset;
    const buffer = new Uint8Array(Math.min(chunkBytes, section.bytes));
    let crc = 0;
    for (let done = 0; done < section.bytes; done += chunkBytes) {
      signal?.throwIfAborted();
      const chunk = buffer.subarray(0, Math.min(chunkBytes, section.bytes - done));
      await this.#file.read(chunk, start + done, `section '${name}'`);
      crc = crc32(chunk, crc);
      yield chunk;
    }
    await this.#verify(section, crc);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #verify(section: SectionEntry, crc: number): Promise<void> {
    const start = this.#dataStart + section.offset;
    if (crc !== section.crc32)
      throw this.#file.invalid(start, `section '${section.name}' is damaged: its checksum does not match`);
    const end = start + section.bytes;
    if (section !== this.sections.at(-1)) await checkZeros(this.#file, end, roundUpToAlignment(end));
  }

  #section(name: string): SectionEntry {
    const section = this.sections.find((entry) => entry.name === name);
    if (!section) {
      const names = this.sections.map((entry) => entry.name).join(', ');
      throw this.#file.invalid(0, `expected a section '${name}', got only: ${names}`);
    }
    return section;
  }
}
