// g++, cmake and make: the system's where they are new enough, else installed as root, else unpacked into .toolchain.
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { debianRelease, installSystemPackages, isRoot, unpackPackages } from './debian.mjs';
import { ask, root, SetupError, say } from './shell.mjs';

const folder = join(root, '.toolchain/compiler');
const bin = join(folder, 'bin');
const packages = ['g++', 'libc6-dev', 'cmake', 'make'];

/** The environment in which the compiler is found. */
export function compilerEnvironment(env = process.env) {
  return existsSync(bin) ? { ...env, PATH: `${bin}${delimiter}${env.PATH}` } : env;
}

function versionOf(command, args, env) {
  const match = /(\d+)\.(\d+)/.exec(ask(command, args, env) ?? '');
  return match ? Number(match[1]) + Number(match[2]) / 100 : 0;
}

function missingTools() {
  const env = compilerEnvironment();
  const missing = [];
  const compiles = versionOf('g++', ['-dumpfullversion'], env) >= 11 || versionOf('clang++', ['--version'], env) >= 14;
  if (!compiles) missing.push(process.platform === 'darwin' ? 'clang++' : 'g++ >= 11');
  if (versionOf('cmake', ['--version'], env) < 3.22) missing.push('cmake >= 3.22');
  if (!ask('make', ['--version'], env)) missing.push('make');
  return missing;
}

/** The linker looks for the C library below the unpacked root, where only what the system lacks was unpacked. */
function linkSystemLibraries(libraries) {
  const name = libraries.split('/').at(-1);
  for (const system of [`/usr/lib/${name}`, `/lib/${name}`]) {
    for (const file of existsSync(system) ? readdirSync(system) : []) {
      const target = join(libraries, file);
      if (!file.includes('.so') || lstatSync(target, { throwIfNoEntry: false })) continue;
      symlinkSync(join(system, file), target);
    }
  }
  const lib = join(folder, 'lib');
  if (!lstatSync(lib, { throwIfNoEntry: false })) symlinkSync('usr/lib', lib);
  const lib64 = join(folder, 'lib64');
  if (!lstatSync(lib64, { throwIfNoEntry: false }) && existsSync('/lib64')) symlinkSync('/lib64', lib64);
}

function writeWrapper(name, program, flags = '') {
  const libraries = '$root/usr/lib/$(cd "$root/usr/lib" && echo *-linux-gnu)';
  const text = `#!/bin/sh
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
LD_LIBRARY_PATH=${libraries}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "$root/usr/bin/${program}" ${flags}"$@"
`;
  writeFileSync(join(bin, name), text, { mode: 0o755 });
}

function writeWrappers() {
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin, { recursive: true });
  const programs = readdirSync(join(folder, 'usr/bin'));
  const compiler = (kind) => programs.find((name) => new RegExp(`-linux-gnu-${kind}-\\d+$`).test(name));
  const names = { gcc: compiler('gcc'), cc: compiler('gcc'), 'g++': compiler('g\\+\\+'), 'c++': compiler('g\\+\\+') };
  for (const [name, program] of Object.entries(names)) writeWrapper(name, program, '--sysroot="$root" ');
  for (const name of ['addr2line', 'as', 'ld', 'ar', 'ranlib', 'nm', 'strip', 'objcopy', 'cmake', 'make']) {
    const program = programs.includes(name) ? name : programs.find((other) => other.endsWith(`-linux-gnu-${name}`));
    if (program) writeWrapper(name, program);
  }
}

async function unpackCompiler() {
  say('unpacking g++, cmake and make into .toolchain/compiler');
  rmSync(folder, { recursive: true, force: true });
  await unpackPackages(folder, [debianRelease()], packages);
  const libraries = readdirSync(join(folder, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'));
  linkSystemLibraries(join(folder, 'usr/lib', libraries));
  writeWrappers();
}

function adviceOn(missing) {
  const what = `${missing.join(', ')} missing`;
  if (process.platform !== 'darwin') return `${what}: please install the packages g++, cmake and make`;
  return `${what}: please run \`xcode-select --install\` and \`brew install cmake glslang spirv-tools spirv-cross\``;
}

export async function provideCompiler() {
  const missing = missingTools();
  if (missing.length === 0) return;
  const advice = adviceOn(missing);
  if (process.platform !== 'linux' || (!isRoot && !debianRelease())) throw new SetupError(advice);
  try {
    if (isRoot) {
      say(`installing ${packages.join(', ')}`);
      await installSystemPackages(packages);
    } else await unpackCompiler();
  } catch (error) {
    throw new SetupError(`${advice}\n${error.message}`);
  }
  const still = missingTools();
  if (still.length > 0)
    throw new SetupError(`${still.join(', ')} missing also after set-up: please install the packages`);
}
