// npm run test:sanitize [-- thread]: the runtime's tests with an addon built with AddressSanitizer and UBSan (or TSan).
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compilerEnvironment } from './setup/compiler.mjs';
import { provideDrivers } from './setup/drivers.mjs';
import { ask, attend, root, run, say } from './setup/shell.mjs';
import { testEnvironment } from './setup/test-environment.mjs';
import { setUp } from './setup.mjs';

const [kind = 'address', ...patterns] = process.argv.slice(2);
const builds = {
  address: { folder: 'build-asan', sanitizers: 'address;undefined', library: 'libasan.so' },
  thread: { folder: 'build-tsan', sanitizers: 'thread', library: 'libtsan.so' },
};
const build = builds[kind];
if (!build) throw new RangeError(`${kind}: the sanitizers are ${Object.keys(builds).join(' and ')}`);

await setUp();
const missing = await provideDrivers();
if (missing) say(missing);
say(`compiling the addon with ${build.sanitizers}`);
const env = compilerEnvironment();
// node-gyp-build looks for build/Release below the folder that WAVETILE_PREBUILD names.
const folder = join(root, build.folder, 'build');
await run('cmake', ['-S', root, '-B', folder, `-DSANITIZE=${build.sanitizers}`], { env });
await run('cmake', ['--build', folder, '--target', 'wavetile', '--parallel', String(availableParallelism())], { env });

const reports = join(root, build.folder, 'reports');
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports);

/** Both accesses of a race, each by its innermost frame that is not the sanitizer's or the standard library's. */
function accesses(report) {
  const stacks = report.split('\n\n').filter((part) => /^\s*(Previous )?(atomic )?(read|write) of size/im.test(part));
  return stacks.map(
    (stack) => stack.split('\n').find((line) => /^\s*#/.test(line) && !/\(lib(tsan|stdc)/.test(line)) ?? '',
  );
}

/** Node and the drivers are not built for TSan, which then sees races where there are none: ours count. */
function ownRaces() {
  return readdirSync(reports)
    .flatMap((name) => readFileSync(join(reports, name), 'utf8').split('=================='))
    .filter(
      (report) =>
        report.includes('wavetile.node') && accesses(report).every((frame) => frame.includes('wavetile.node')),
    );
}

const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...(patterns.length > 0 ? patterns : ['test/runtime'])];
const status = await attend(process.execPath, vitest, {
  ...testEnvironment(),
  WAVETILE_PREBUILD: join(root, build.folder),
  LD_PRELOAD: ask('g++', [`-print-file-name=${build.library}`], env),
  // Node and the drivers keep memory until their process ends.
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: `exitcode=0:log_path=${join(reports, 'tsan')}`,
});
const races = ownRaces();
for (const race of races.slice(0, 5)) console.error(race);
if (races.length > 0) say(`ThreadSanitizer found ${races.length} races`);
process.exit(races.length > 0 ? 1 : status);
