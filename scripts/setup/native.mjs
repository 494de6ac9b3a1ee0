// The addon and the generated kernel signatures: compiler and shader tools are looked for only when something changed.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compilerEnvironment, provideCompiler } from './compiler.mjs';
import { root, run, SetupError, say } from './shell.mjs';
import { stamp } from './stamp.mjs';

const jobs = String(availableParallelism());
const sources = [
  'native',
  'binding',
  'shaders-vulkan',
  'shaders-metal',
  'cmake',
  'CMakeLists.txt',
  'scripts/generate',
  'scripts/generate-kernels.mjs',
  'scripts/generate-metal.mjs',
];
const built = stamp('native', {
  inputs: sources,
  outputs: ['build/Release/wavetile.node', 'src/kernels/generated.ts'],
  extra: [process.version],
});

async function provideShaderTools() {
  const marker = stamp('shader-tools', { inputs: ['scripts/setup-toolchain.sh'], outputs: ['.toolchain/bin/glslang'] });
  if (marker.isCurrent()) return;
  say('looking for the shader compiler and the Vulkan headers');
  try {
    const answer = await run('bash', [join(root, 'scripts/setup-toolchain.sh'), join(root, '.toolchain')]);
    say(`shader compiler: ${answer.trim().split('\n').at(-1)}`);
  } catch (error) {
    throw new SetupError(`the shader compiler cannot be had here\n${error.message}`);
  }
  marker.keep();
}

/** `npm install` may have configured the folder with Ninja where there is one; a folder keeps its generator. */
function usesNinja() {
  const cache = join(root, 'build/CMakeCache.txt');
  return existsSync(cache) && /^CMAKE_GENERATOR:INTERNAL=Ninja$/m.test(readFileSync(cache, 'utf8'));
}

function cmakeJs(...args) {
  const program = join(root, 'node_modules/cmake-js/bin/cmake-js');
  const generator = usesNinja() ? [] : ['--prefer-make'];
  return run(process.execPath, [program, ...args, ...generator, '--log-level', 'warn'], {
    env: compilerEnvironment(),
  });
}

/** Compiles what changed. Returns whether anything had to be done. */
export async function buildNative() {
  if (built.isCurrent()) return false;
  await provideCompiler();
  await provideShaderTools();
  const first = !existsSync(join(root, 'build/Release/wavetile.node'));
  say(
    first
      ? 'compiling shaders and the native addon (a few minutes the first time)'
      : 'compiling what changed in the addon',
  );
  if (!existsSync(join(root, 'build/CMakeCache.txt'))) await cmakeJs('configure');
  await cmakeJs('build', '--parallel', jobs);
  built.keep();
  return true;
}

const testPrograms = [
  { target: 'rdna3_isa', folder: 'rdna3', uses: [], output: 'rdna3_isa', what: 'the program that reads RDNA3 code' },
  {
    target: 'software_metal',
    folder: 'software-metal',
    uses: sources, // for an addon with the Metal backend
    output: 'addon/build/Release/wavetile.node',
    what: 'software Metal',
  },
];
const isLinux = process.platform === 'linux';

/** What only the tests need: the compiler of test/rdna3, the emulator and host of test/software-metal. */
export async function buildTestPrograms() {
  for (const { target, folder, uses, output, what } of testPrograms) {
    if (!isLinux || (target === 'software_metal' && process.arch !== 'x64')) continue;
    const marker = stamp(folder, { inputs: [`test/${folder}`, ...uses], outputs: [`build/test/${folder}/${output}`] });
    if (marker.isCurrent()) continue;
    say(`compiling ${what}`);
    await run('cmake', ['--build', 'build', '--target', target, '--parallel', jobs], { env: compilerEnvironment() });
    marker.keep();
  }
}
