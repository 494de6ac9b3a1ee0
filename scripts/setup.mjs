// Everything that a fresh clone needs before it can run: npm packages, compilers, the addon, dist/; drivers for tests.
import { pathToFileURL } from 'node:url';
import { buildNative } from './setup/native.mjs';
import { installPackages } from './setup/packages.mjs';
import { SetupError, say } from './setup/shell.mjs';
import { buildTypeScript } from './setup/typescript.mjs';

/** Does what is missing. A problem that the user has to solve ends the process with one message. */
export async function setUp() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  try {
    if (major < 20 || (major === 20 && minor < 17))
      throw new SetupError(`Node ${process.version} is too old: 20.17 or later is needed`);
    const begin = performance.now();
    await installPackages();
    const compiled = await buildNative();
    await buildTypeScript();
    if (compiled) say(`ready after ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  } catch (error) {
    console.error(error instanceof SetupError ? `[set-up] ${error.message}` : error);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await setUp();
