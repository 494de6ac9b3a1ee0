// Where compiled pipelines are kept between runs.
import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'wavetile');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'wavetile');
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'wavetile', 'cache');
  return join(homedir(), '.cache', 'wavetile');
}

/** Makes the folder; false when it cannot be written to. */
export function isWritableFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
