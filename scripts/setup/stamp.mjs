// What a step was last done for: names, sizes and times of its input files, kept in .cache/setup.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './shell.mjs';

const folder = join(root, '.cache/setup');

function* filesIn(path) {
  const stat = statSync(resolve(root, path), { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) yield `${path} ${stat.size} ${stat.mtimeMs}`;
  else for (const name of readdirSync(resolve(root, path)).sort()) yield* filesIn(join(path, name));
}

/** Of the inputs' names, sizes and times, and of what else counts. */
export function fingerprint(inputs, extra) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.platform, process.arch, ...extra]));
  for (const input of inputs) for (const line of filesIn(input)) hash.update(`${line}\n`);
  return hash.digest('hex');
}

/** `isCurrent` tells whether the outputs exist and the inputs are those of the last `keep`. */
export function stamp(name, { inputs = [], outputs = [], extra = [] }) {
  const path = join(folder, name);
  return {
    isCurrent() {
      if (!existsSync(path) || !outputs.every((output) => existsSync(resolve(root, output)))) return false;
      return readFileSync(path, 'utf8') === fingerprint(inputs, extra);
    },
    keep() {
      mkdirSync(folder, { recursive: true });
      writeFileSync(path, fingerprint(inputs, extra));
    },
  };
}
