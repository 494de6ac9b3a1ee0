// What the tests find in their environment: drivers, compilers, caches.
import { join } from 'node:path';
import { compilerEnvironment } from './compiler.mjs';
import { driverEnvironment } from './drivers.mjs';
import { root } from './shell.mjs';

export function testEnvironment() {
  return {
    // Software Metal's compiler links with the unpacked binutils where the system has none.
    ...compilerEnvironment(driverEnvironment()),
    // lavapipe compiles at the first dispatch: seconds without this folder.
    MESA_SHADER_CACHE_DIR: process.env.MESA_SHADER_CACHE_DIR ?? join(root, '.cache/mesa'),
    // Newer validation layers look for hazards between dispatches only with this.
    VK_LAYER_SYNCVAL_SHADER_ACCESSES_HEURISTIC: '1',
  };
}
