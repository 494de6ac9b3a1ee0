// Paths from the command line, looked at before any work begins.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { messageOf } from './report-error.js';

function checkAccess(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** A file to read. */
export function parseInput(path: string): string {
  checkAccess(path, constants.R_OK);
  if (statSync(path).isDirectory()) throw new InvalidArgumentError('It is a folder.');
  return path;
}

/** For a file to write, with one of the extensions where some are given. */
export function parseOutput(extensions: readonly string[] = []): (path: string) => string {
  return (path) => {
    if (extensions.length > 0 && !extensions.includes(extname(path).toLowerCase()))
      throw new InvalidArgumentError(`It must end in ${extensions.join(' or ')}.`);
    checkAccess(dirname(path), constants.W_OK);
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
      throw new InvalidArgumentError('It is no regular file and cannot be replaced.');
    return path;
  };
}
