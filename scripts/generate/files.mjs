// Generated files keep their time where their contents stay, and files of kernels that are gone go away.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function writeIfChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Makes a folder hold these files, [name, text], and no others. */
export function writeFolder(folder, files) {
  const names = new Set(files.map(([name]) => name));
  for (const [name, text] of files) writeIfChanged(join(folder, name), text);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (!names.has(file)) rmSync(join(folder, file));
}
