// clang 19 for software Metal, which only tests need: the system's, else installed as root, else unpacked.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianRelease, installSystemPackages, isRoot, unpackPackages } from './debian.mjs';
import { ask, root, say } from './shell.mjs';

const oldest = 19;
const packageName = 'clang-19';
const folder = join(root, '.toolchain/clang');
const unpacked = join(folder, 'bin/clang++');
const advice = `tests on software Metal are skipped: please install ${packageName}`;

function isNewEnough(program) {
  const version = /clang version (\d+)/.exec(ask(program, ['--version']) ?? '');
  return version !== null && Number(version[1]) >= oldest;
}

/** A clang++ that knows what kernels need (vectors of bool, half without excess precision), or undefined. */
export function clangProgram() {
  if (process.env.WAVETILE_CLANG) return process.env.WAVETILE_CLANG;
  if (existsSync(unpacked)) return unpacked;
  return ['clang++-19', 'clang++-20', 'clang++-21', 'clang++'].find(isNewEnough);
}

async function unpackClang() {
  const release = debianRelease();
  say(`unpacking ${packageName} into .toolchain/clang (for tests)`);
  rmSync(folder, { recursive: true, force: true });
  await unpackPackages(folder, [release], [packageName]);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  // The standard library's headers are the system's, or those that were unpacked with g++.
  const script = `#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
libraries=$root/usr/lib/$(cd "$root/usr/lib" && echo *-linux-gnu)
export LD_LIBRARY_PATH=$libraries:$root/usr/lib/llvm-${oldest}/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
compiler=$root/../compiler
[ -d "$compiler" ] && set -- --sysroot="$compiler" "$@"
exec "$root/usr/lib/llvm-${oldest}/bin/clang++" "$@"
`;
  writeFileSync(unpacked, script, { mode: 0o755 });
}

/** Returns why tests on software Metal cannot run, or undefined. */
export async function provideClang() {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return 'tests on software Metal are skipped: it runs on Linux on x86-64';
  if (clangProgram()) return undefined;
  if (!debianRelease()) return advice;
  try {
    if (isRoot) {
      say(`installing ${packageName} (for tests)`);
      await installSystemPackages([packageName]);
    } else await unpackClang();
  } catch (error) {
    console.error(error.message);
  }
  return clangProgram() ? undefined : advice;
}
