// How a command fails: what is wrong, a suggestion where there is one, exit code 1; the stack only with --debug.
import { ComputeError } from '../runtime/errors.js';
import { paint } from './terminal.js';

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
};

/** What is wrong, with the path where it is a file. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SYSTEM_ERRORS[code];
  return known && path ? `${path}: ${known}` : error.message;
}

/** Runs a command to its end, whatever that is. */
export async function runCommand(work: () => Promise<void>, debug = false): Promise<void> {
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    await work();
  } catch (error) {
    const suggestion = error instanceof ComputeError ? error.suggestion : undefined;
    const message = messageOf(error).replace(` (${suggestion})`, '');
    process.stderr.write(`${paint('red', 'error:', process.stderr)} ${message}\n`);
    if (suggestion) process.stderr.write(`  try: ${suggestion}\n`);
    if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
