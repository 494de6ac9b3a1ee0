// FileSource: parts of a file read straight into tensors, at the speed of the disk.
import './dispose-symbol.js';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { type AbortOptions, onAbort } from './abort.js';
import { checkToken, TOKEN, type Token } from './construction.js';
import { awaiting, ComputeError, calling } from './errors.js';
import { type NativeFile, native } from './native.js';
import { checkTensor, rangeOf, sessionOf, type Tensor } from './tensor.js';
import { checkInteger, checkRunOptions, checkString } from './validate.js';

export interface FileLoadOptions extends AbortOptions {
  /** First byte in the file. */
  offset: number;
  bytes: number;
  /** First byte in the tensor; 0 by default. */
  tensorOffset?: number | undefined;
}

/**
 * A file to load tensors from. What is not in the system's cache is read around it, in slices that are uploaded as they
 * arrive; loads that are asked for together share the disk in their order.
 *
 * @example
 * using file = await FileSource.open('weights.bin');
 * using tensor = device.tensor('u8', [4096]);
 * await file.load(tensor, { offset: 128, bytes: 4096 });
 */
export class FileSource implements Disposable {
  readonly path: string;
  /** Length when it was opened. */
  readonly bytes: number;
  readonly #handle: NativeFile;
  #disposed = false;

  private constructor(token: Token, path: string, bytes: number, handle: NativeFile) {
    checkToken(token, 'FileSource', 'FileSource.open');
    this.path = path;
    this.bytes = bytes;
    this.#handle = handle;
  }

  /**
   * Rejects with Node's error (`code` such as `ENOENT`, `path`) where there is no such file or it may not be read, and
   * with `ComputeError` `INVALID_FILE` where it is none: a folder, a device.
   */
  static open(path: string): Promise<FileSource> {
    const where = 'FileSource.open';
    checkString(where, 'path', path);
    return FileSource.#open(where, path);
  }

  static async #open(where: string, path: string): Promise<FileSource> {
    await access(path, constants.R_OK);
    const { file, bytes } = await awaiting(where, () => native().openFile(path));
    return new FileSource(TOKEN, path, bytes, file);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Fills `bytes` bytes of the tensor from `tensorOffset` on with those of the file from `offset` on. The tensor may be
   * used once the promise has resolved; when it rejects, some of the bytes may have arrived. Aborted before that,
   * it rejects as soon as nothing is in flight any more.
   *
   * @throws ComputeError `INVALID_FILE` where the file cannot be read or became shorter.
   */
  load(tensor: Tensor, options: FileLoadOptions): Promise<void> {
    const where = 'fileSource.load';
    if (this.#disposed) throw new ComputeError('DISPOSED', `${where}: the file was disposed of`);
    checkTensor(where, 'tensor', tensor);
    const session = sessionOf(tensor);
    session.check(where);
    checkRunOptions(where, options, ['offset', 'bytes', 'tensorOffset', 'signal'], { required: true });
    const { offset, bytes, tensorOffset = 0, signal } = options;
    const range = rangeOf(tensor);
    checkInteger(where, 'tensorOffset', tensorOffset, { min: 0, max: range.bytes });
    checkInteger(where, 'bytes', bytes, { min: 0, max: range.bytes - tensorOffset });
    checkInteger(where, 'offset', offset, { min: 0, max: Number.MAX_SAFE_INTEGER });
    if (offset + bytes > this.bytes) return Promise.reject(this.#truncated(where, offset, bytes));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { done, cancel } = calling(where, () =>
      session.native.load(this.#handle, offset, session.handle, range.buffer, range.offset + tensorOffset, bytes),
    );
    const work = awaiting(where, () => done.finally(() => session.reportMessages()));
    return signal ? cancelling(work, cancel, signal) : work;
  }

  #truncated(where: string, offset: number, bytes: number): ComputeError {
    const present = Math.max(0, this.bytes - offset);
    return new ComputeError(
      'INVALID_FILE',
      `${where}: ${this.path}: byte ${offset}: the file is truncated: expected ${bytes} bytes, got ${present}`,
    );
  }

  /** Loads in flight go on. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    native().closeFile(this.#handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Rejects with the signal's reason however far the load had come: its last bytes may be there before it knew. */
async function cancelling(work: Promise<void>, cancel: () => void, signal: AbortSignal): Promise<void> {
  const forget = onAbort(signal, cancel);
  try {
    await work;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    forget();
  }
  signal.throwIfAborted();
}
