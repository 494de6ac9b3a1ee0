// npm run prebuilds: prebuilds/<platform>-<arch>/wavetile.node, which an installation takes instead of compiling.
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compilerEnvironment } from './setup/compiler.mjs';
import { root, run, say } from './setup/shell.mjs';
import { setUp } from './setup.mjs';

await setUp();
rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
const flags = ['--napi', '--strip', '--name', 'wavetile', '--node-gyp', join(root, 'scripts/node-gyp-shim.cjs')];
// prebuildify moves the addon away; the checkout goes on using its own.
const addon = join(root, 'build/Release/wavetile.node');
const kept = join(root, 'build/wavetile.node');
copyFileSync(addon, kept);
await run(process.execPath, ['node_modules/prebuildify/bin.js', ...flags], { env: compilerEnvironment() });
copyFileSync(kept, addon);
say(`wrote prebuilds/${process.platform}-${process.arch}/wavetile.node`);
