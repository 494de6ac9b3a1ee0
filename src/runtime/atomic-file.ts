// A file that appears complete or not at all: written beside its target, flushed to the disk, then renamed over it.
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What a writer gets: bytes at the end of what was written so far, or at a position of its choice. */
export class OutputFile {
  readonly #handle: FileHandle;
  readonly #signal: AbortSignal | undefined;
  #end = 0;

  constructor(handle: FileHandle, signal: AbortSignal | undefined) {
    this.#handle = handle;
    this.#signal = signal;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.writeAt(bytes, this.#end);
    this.#end += bytes.length;
  }

  async writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      this.#signal?.throwIfAborted();
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }
}

/** The file that a write to `path` replaces: symbolic links are followed, and only a regular file is ever replaced. */
async function resolveTarget(path: string): Promise<string> {
  let target: string;
  try {
    target = await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw error;
  }
  if (!(await stat(target)).isFile()) throw new RangeError(`${path} is not a regular file and cannot be replaced`);
  return target;
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // a folder cannot be opened there, and a rename is durable without it
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Runs `work` on a temporary file and puts it in the place of `path`. On any failure or abort nothing is left behind.
 * Errors of the file system name `path`.
 */
export async function writeAtomically(
  path: string,
  work: (file: OutputFile) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const target = await resolveTarget(path);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await work(new OutputFile(handle, signal));
      await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw namingTarget(error, temporary, path);
  }
  await syncFolder(dirname(target));
}

/** What Node says of the temporary file, said of the file that was asked for. */
function namingTarget(error: unknown, temporary: string, path: string): unknown {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).path !== temporary) return error;
  const [message, stack] = [error.message, error.stack].map((text) => text?.replaceAll(temporary, path));
  return Object.assign(error, { path, message, stack });
}
