// npm run lint: biome and, where it is installed, clang-format. With --write both correct what they can.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ask, root } from './setup/shell.mjs';

const write = process.argv.includes('--write');

function* nativeSources(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* nativeSources(path);
    else if (/\.(cpp|hpp|mm|metal|h)$/.test(name)) yield path;
  }
}

function check(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

const biome = check(process.execPath, [
  'node_modules/@biomejs/biome/bin/biome',
  'check',
  ...(write ? ['--write'] : []),
]);
let formatted = true;
if (ask('clang-format', ['--version'])) {
  const sources = [
    ...['native', 'binding', 'shaders-metal'],
    ...['test/rdna3', 'test/software-metal', 'test/mpsgraph'],
  ].flatMap((folder) => [...nativeSources(join(root, folder))]);
  formatted = check('clang-format', [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...sources]);
} else {
  console.log('clang-format is not installed: C++ files were not checked');
}
process.exit(biome && formatted ? 0 : 1);
