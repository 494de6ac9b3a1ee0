// npm run check:metal-api: native/metal against the real metal-cpp in the folder that METAL_CPP names, on Linux. Types are
// checked and nothing is linked: Apple's system headers are test/software-metal/stubs, the C++ library is that of Linux.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { clangProgram, provideClang } from './setup/clang.mjs';
import { root } from './setup/shell.mjs';

const folder = join(root, 'native/metal');
const stubs = join(root, 'test/software-metal/stubs');

function skip(reason) {
  console.log(`native/metal was not checked against metal-cpp: ${reason}`);
  process.exit(0);
}

/** Where the compiler finds headers for Linux: for another target it does not look there. */
function systemFolders(clang) {
  const { stderr } = spawnSync(clang, ['-x', 'c++', '-E', '-v', '/dev/null'], { encoding: 'utf8' });
  const list = /#include <\.\.\.> search starts here:\n([\s\S]*?)End of search list/.exec(stderr)?.[1] ?? '';
  return list.split('\n').flatMap((line) => (line.trim() ? ['-isystem', line.trim()] : []));
}

function check(clang, source, flags) {
  const { status } = spawnSync(clang, [...flags, join(folder, source)], { cwd: root, stdio: 'inherit' });
  console.log(`${status === 0 ? 'fine' : 'WRONG'}  native/metal/${source}`);
  return status === 0;
}

const metalCpp = process.env.METAL_CPP;
if (!metalCpp) skip("METAL_CPP has to name a folder with metal-cpp's headers, https://developer.apple.com/metal/cpp");
if (!existsSync(join(metalCpp, 'Metal/MTLResidencySet.hpp'))) {
  console.error(
    `METAL_CPP=${metalCpp}: there is no Metal/MTLResidencySet.hpp in it; metal-cpp has it from macOS 15 on`,
  );
  process.exit(1);
}
const missing = await provideClang();
if (missing) skip(missing);

const clang = clangProgram();
const target = ['--target=arm64-apple-macos14', '-D_GNU_SOURCE', '-U__nonnull', '-fsyntax-only', '-nostdinc'];
const roots = [join(stubs, 'apple'), join(stubs, 'glibc'), metalCpp].flatMap((path) => ['-isystem', path]);
const objectiveC = ['-x', 'objective-c++', '-fobjc-arc', '-fblocks'];
const flags = [
  '-std=c++20',
  ...target,
  '-Wall',
  '-Wextra',
  '-I',
  join(root, 'native'),
  ...roots,
  ...systemFolders(clang),
];
const results = readdirSync(folder)
  .filter((name) => /\.(cpp|mm)$/.test(name))
  .map((name) => check(clang, name, name.endsWith('.mm') ? [...objectiveC, ...flags] : flags));
process.exit(results.every(Boolean) ? 0 : 1);
