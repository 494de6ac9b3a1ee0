// npm run test:metal [-- all | barriers [kernel …] | test files …]: the package on software Metal. Kernel cases run in all
// builds, the checked one in both orders and both versions of MSL, behaviour in the fast one; `all` adds what takes long:
// behaviour in reverse order, and each barrier of the kernels left out, which the checker has to notice.
import { provideClang } from './setup/clang.mjs';
import { buildTestPrograms } from './setup/native.mjs';
import { attend, say } from './setup/shell.mjs';
import { softwareMetalEnvironment, whyNoSoftwareMetal } from './setup/software-metal.mjs';
import { testEnvironment } from './setup/test-environment.mjs';
import { setUp } from './setup.mjs';
import { testBarriers } from './test-barriers.mjs';

const BEHAVIOUR = ['runtime', 'vector', 'nn', 'llm'].map((room) => `test/${room}`);

const [first, ...rest] = process.argv.slice(2);
const files = first === 'all' || first === 'barriers' || first === undefined ? undefined : [first, ...rest];

await setUp();
await buildTestPrograms();
const missing = (await provideClang()) ?? whyNoSoftwareMetal();
if (missing) {
  say(missing);
  process.exit(0);
}

/** Tests whose names say that they are on Metal, in these files and folders. */
function test(paths, build) {
  say(`tests on software Metal, ${Object.keys(build).join(', ') || 'fast'}: ${paths.join(' ')}`);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '-t', ' on metal', ...paths];
  return attend(process.execPath, vitest, { ...testEnvironment(), ...softwareMetalEnvironment(build) });
}

const runs = [];
if (files) runs.push(() => test(files, { checked: files.every((file) => file.startsWith('test/kernels')) }));
if (first === undefined || first === 'all') {
  runs.push(() => test(['test/software-metal/shaders.test.ts', 'test/kernels'], {}));
  runs.push(() => test(['test/kernels'], { checked: true }));
  runs.push(() => test(['test/kernels'], { checked: true, reverse: true, oldest: true }));
  runs.push(() => test(BEHAVIOUR, {}));
}
if (first === 'all') runs.push(() => test(BEHAVIOUR, { reverse: true }));
if (first === 'all' || first === 'barriers') runs.push(() => testBarriers(rest));
for (const run of runs) process.exitCode = Math.max(process.exitCode ?? 0, await run());
