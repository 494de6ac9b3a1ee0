// Stands in for `xcrun metal` on Linux: compiles a .metal file into a shared object that runs on the CPU, or checks it.
// usage: compile.mjs [--checked | --syntax] [--std metal3.2] [--fast-math] [--include folder]… [--keep file.cpp] kernel.metal
//   [kernel.metallib]
// --without-barrier kernel:n leaves out a file's n-th threadgroup_barrier, from 0 on, when that kernel is in it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { clangProgram } from '../../../scripts/setup/clang.mjs';
import { translate } from './prepass/prepass.mjs';

const here = import.meta.dirname;
const libraries = process.env.SOFTWARE_METAL_LIBRARIES ?? resolve(here, '../../../build/test/software-metal');

const language = [
  ...['-x', 'c++', '-I', join(here, 'metal_library')],
  ...['-fno-exceptions', '-fno-rtti', '-ffp-contract=off', '-flax-vector-conversions=none'],
  ...['-Xclang', '-ffloat16-excess-precision=none'],
  ...['-Wall', '-Wextra', '-Wno-unused-function', '-Wno-unused-parameter', '-Wno-unused-const-variable'],
  ...['-Wno-unknown-attributes', '-Wno-unknown-pragmas', '-Wno-psabi', '-Wno-duplicate-decl-specifier'],
  ...['-Wno-reserved-user-defined-literal', '-Wno-user-defined-literals'],
  ...['-Werror=return-type', '-Werror=uninitialized', '-Werror=vla'],
];

const shared = ['-march=x86-64-v3', '-fPIC', '-fvisibility=hidden'];

// Only memory accesses are instrumented; the emulator has the functions that the sanitizers' runtimes would have.
const instrumented = [
  ...['-O1', '-gline-tables-only', '-gdwarf-4', '-fno-vectorize', '-fno-slp-vectorize'],
  '-fsanitize=array-bounds,shift-exponent,integer-divide-by-zero,float-cast-overflow',
  ...['-fsanitize=thread', '-mllvm', '-tsan-instrument-func-entry-exit=0', '-mllvm', '-tsan-instrument-atomics=0'],
];

const builds = {
  fast: ['-std=c++17', '-O2'],
  checked: ['-std=c++17', '-DSOFTWARE_METAL_CHECKED=true', ...instrumented],
  // Apple's compiler takes C++14.
  syntax: ['-std=c++14', '-Werror=c++17-extensions', '-Wno-null-dereference', '-DSOFTWARE_METAL_ADDRESS_SPACES'],
};

function fail(message) {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(1);
}

function clang(args) {
  const { status, stdout, stderr, error } = spawnSync(clangProgram(), args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) fail(error.message);
  if (status !== 0) fail(stderr);
  process.stderr.write(stderr);
  return stdout;
}

function preprocess(source, { folders, defines }) {
  const include = [join(here, 'include'), dirname(source), ...folders].flatMap((path) => ['-I', path]);
  const flags = ['-x', 'c++', '-std=c++17', '-nostdinc', '-undef', '-Wno-reserved-user-defined-literal'];
  return clang(['-E', ...flags, ...defines, ...include, source]);
}

function compile(code, { build, fastMath, defines, output, folder }) {
  const cpp = join(folder, 'kernel.cpp');
  const object = join(folder, 'kernel.o');
  writeFileSync(cpp, code);
  const flags = [...language, ...builds[build], ...defines, ...(fastMath ? ['-ffast-math'] : [])];
  if (build === 'syntax') return clang([...flags, '-fsyntax-only', cpp]);
  clang([...flags, ...shared, '-c', cpp, '-o', object]);
  // Linked without the -fsanitize flags: those would bring the sanitizers' runtimes.
  clang(['-shared', object, '-o', output, `-L${libraries}`, '-lsoftware_metal_emulator', `-Wl,-rpath,${libraries}`]);
}

/** The path of a file like `source` that lacks one barrier, or `source`. */
function mutated(source, mutation, folder) {
  const [kernel, number] = mutation.split(':');
  const text = readFileSync(source, 'utf8');
  if (!text.includes(`kernel void ${kernel}(`)) return source;
  let count = 0;
  const path = join(folder, 'mutated.metal');
  const removeOne = (barrier) => (count++ === Number(number) ? ';' : barrier);
  writeFileSync(path, text.replace(/threadgroup_barrier\([^)]*\);/g, removeOne));
  return path;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    checked: { type: 'boolean' },
    syntax: { type: 'boolean' },
    std: { type: 'string', default: 'metal3.1' },
    'fast-math': { type: 'boolean' },
    include: { type: 'string', multiple: true, default: [] },
    keep: { type: 'string' },
    'without-barrier': { type: 'string' },
  },
});
const [source, output] = positionals;
const build = values.checked ? 'checked' : values.syntax ? 'syntax' : 'fast';
if (!source || (build !== 'syntax' && !output)) fail('usage: compile.mjs [options] kernel.metal kernel.metallib');
const folder = mkdtempSync(join(tmpdir(), 'software-metal-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const version = { 'metal3.1': 310, 'metal3.2': 320 }[values.std] ?? fail(`--std ${values.std}: metal3.1 or metal3.2`);
const defines = ['METAL__=1', `METAL_VERSION__=${version}`, 'METAL_MACOS__=1', 'APPLE_METAL__=1'].map(
  (name) => `-D__${name}`,
);
const barrier = values['without-barrier'];
const input = barrier === undefined ? source : mutated(source, barrier, folder);
const { code, errors } = translate(preprocess(input, { folders: values.include, defines }), {
  file: input,
  isSyntaxOnly: build === 'syntax',
});
if (values.keep) writeFileSync(values.keep, code);
if (errors.length > 0) fail(errors.join('\n'));
compile(code, { build, fastMath: values['fast-math'], defines, output, folder });
