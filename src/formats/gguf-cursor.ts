// A reader of little-endian values in the first bytes of a file, of which only a window is in memory.
import type { ComputeError } from '../runtime/errors.js';
import type { InputFile } from './input-file.js';

const FIRST_WINDOW_BYTES = 4 << 20;
/** More than any header has: the largest vocabularies take about 20 MB. */
const MAX_HEADER_BYTES = 512 << 20;

/** Thrown inside of `readWindow` when the file goes on but the window does not. */
class WindowEnd extends Error {}

/** Reads on from the start of a file; what would lie behind its end is an INVALID_FILE error that names it. */
export class Cursor {
  readonly file: InputFile;
  readonly window: Buffer;
  at = 0;

  constructor(file: InputFile, window: Buffer) {
    this.file = file;
    this.window = window;
  }

  /** Bytes of the file that follow. */
  get left(): number {
    return this.file.bytes - this.at;
  }

  invalid(message: string, suggestion?: string): ComputeError {
    return this.file.invalid(this.at, message, suggestion);
  }

  /** Makes sure that `bytes` more are in the window. */
  need(bytes: number, what: string): void {
    if (this.at + bytes <= this.window.length) return;
    if (bytes > this.left) throw this.file.truncated(this.at, bytes, what);
    if (this.at + bytes > MAX_HEADER_BYTES)
      throw this.invalid(`${what} of ${bytes} bytes makes the header longer than ${MAX_HEADER_BYTES} bytes`);
    throw new WindowEnd();
  }

  u32(what: string): number {
    this.need(4, what);
    this.at += 4;
    return this.window.readUInt32LE(this.at - 4);
  }

  /** An unsigned 64-bit count, which a number must be able to hold. */
  count(what: string): number {
    this.need(8, what);
    const value = this.window.readUInt32LE(this.at) + this.window.readUInt32LE(this.at + 4) * 2 ** 32;
    if (value > Number.MAX_SAFE_INTEGER) throw this.invalid(`${what} cannot be ${value}`);
    this.at += 8;
    return value;
  }

  /** The next bytes, still part of the window. */
  take(bytes: number, what: string): Buffer {
    this.need(bytes, what);
    this.at += bytes;
    return this.window.subarray(this.at - bytes, this.at);
  }

  text(what: string, maxBytes = Number.MAX_SAFE_INTEGER): string {
    const start = this.at;
    const bytes = this.count(`the length of ${what}`);
    if (bytes > maxBytes) {
      this.at = start;
      throw this.invalid(`${what} cannot have ${bytes} bytes`);
    }
    return this.take(bytes, what).toString('utf8');
  }
}

/** Calls `parse` with a cursor on the first bytes of a file, again with more of them each time they did not suffice. */
export async function readWindow<T>(file: InputFile, parse: (cursor: Cursor) => T): Promise<T> {
  let window = Buffer.alloc(0);
  for (let wanted = FIRST_WINDOW_BYTES; ; wanted *= 4) {
    const larger = Buffer.allocUnsafeSlow(Math.min(wanted, file.bytes));
    window.copy(larger);
    await file.read(larger.subarray(window.length), window.length, 'the header');
    window = larger;
    try {
      return parse(new Cursor(file, window));
    } catch (error) {
      if (!(error instanceof WindowEnd)) throw error;
    }
  }
}
