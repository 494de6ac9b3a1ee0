// Software Metal as a device of the package: the addon for tests that has it, and the environment that it reads.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clangProgram } from './clang.mjs';
import { root } from './shell.mjs';
import { fingerprint } from './stamp.mjs';

const emulator = join(root, 'test/software-metal/emulator');
/** node-gyp-build looks for build/Release below the folder that WAVETILE_PREBUILD names. */
const addon = join(root, 'build/test/software-metal/addon');

/** Why there is no software Metal here, or undefined. */
export function whyNoSoftwareMetal() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'software Metal runs on Linux on x86-64';
  if (!clangProgram()) return 'software Metal needs clang 19';
  return existsSync(addon) ? undefined : `${addon} is not built`;
}

/**
 * `checked`: races and accesses out of bounds are errors of the run, which takes many times as long. `oldest`: on the
 * oldest macOS, whose kernels are of MSL 3.1.
 */
export function softwareMetalEnvironment({ checked = false, reverse = false, oldest = false, options = [] } = {}) {
  const compiler = [process.execPath, join(emulator, 'compile.mjs'), ...(checked ? ['--checked'] : []), ...options];
  return {
    WAVETILE_PREBUILD: addon,
    WAVETILE_TEST_DEVICES: 'metal',
    SOFTWARE_METAL_COMPILER: compiler.join(' '),
    SOFTWARE_METAL_CACHE: join(root, '.cache/software-metal', fingerprint([emulator], [clangProgram()]).slice(0, 16)),
    ...(reverse ? { SOFTWARE_METAL_ORDER: 'reverse' } : {}),
    ...(oldest ? { SOFTWARE_METAL_MACOS: '14.0' } : {}),
  };
}
