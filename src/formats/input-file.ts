// A file that is read by position and never past its end; whatever is missing or wrong becomes an INVALID_FILE error.
import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ComputeError } from '../runtime/errors.js';
import { checkString } from '../runtime/validate.js';

/** Bytes moved at a time: large enough for the disk, small enough that handling one never holds up the event loop. */
export const SLICE_BYTES = 1 << 20;

export const checkPath = (where: string, path: unknown): string => checkString(where, 'path', path);

const nameOf = (stats: Stats): string => (stats.isDirectory() ? 'a folder' : 'a device or a pipe');

/** One open file with the length it had when it was opened. */
export class InputFile {
  readonly path: string;
  readonly bytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, bytes: number, handle: FileHandle) {
    this.path = path;
    this.bytes = bytes;
    this.#handle = handle;
  }

  /** Rejects with Node's error where there is no such file or it may not be read. */
  static async open(path: string): Promise<InputFile> {
    const handle = await open(path, 'r');
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new ComputeError('INVALID_FILE', `${path}: not a file but ${nameOf(stats)}`);
      return new InputFile(path, stats.size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** An error that says where in the file it is wrong. */
  invalid(offset: number, message: string, suggestion?: string): ComputeError {
    return new ComputeError(
      'INVALID_FILE',
      `${this.path}: byte ${offset}: ${message}`,
      suggestion ? { suggestion } : {},
    );
  }

  /** The error for a file that ends before `what`, which starts at `offset` and has `bytes` bytes. */
  truncated(offset: number, bytes: number, what: string): ComputeError {
    const present = Math.max(0, this.bytes - offset);
    return this.invalid(offset, `the file is truncated: expected ${what} of ${bytes} bytes, got ${present}`);
  }

  /** Fills `target` from `offset` on. */
  async read(target: Uint8Array, offset: number, what: string): Promise<void> {
    if (offset + target.length > this.bytes) throw this.truncated(offset, target.length, what);
    for (let done = 0; done < target.length; ) {
      const length = Math.min(SLICE_BYTES, target.length - done);
      const { bytesRead } = await this.#handle.read(target, done, length, offset + done);
      if (bytesRead === 0) throw this.invalid(offset + done, `the file became shorter while ${what} was read`);
      done += bytesRead;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Opens `path`, lets `work` read it and closes it whatever happens. */
export async function withInputFile<T>(path: string, work: (file: InputFile) => Promise<T>): Promise<T> {
  const file = await InputFile.open(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
