// src/ to dist/, when a source changed.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, say } from './shell.mjs';
import { stamp } from './stamp.mjs';

const built = stamp('typescript', {
  inputs: ['src', 'tsconfig.json', 'node_modules/typescript/package.json'],
  outputs: ['dist/index.js', 'dist/cli/start.js'],
});

/** tsc leaves what it made of a source that is gone. */
function removeStale() {
  const made = /(\.d\.ts|\.js|\.js\.map)$/;
  for (const file of readdirSync(join(root, 'dist'), { recursive: true })) {
    if (made.test(file) && !existsSync(join(root, 'src', file.replace(made, '.ts')))) rmSync(join(root, 'dist', file));
  }
}

export async function buildTypeScript() {
  if (built.isCurrent()) return;
  say('compiling TypeScript');
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json']);
  removeStale();
  built.keep();
}
