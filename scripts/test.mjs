// npm test: set-up with drivers and clang for tests, then vitest with their environment.
import { provideClang } from './setup/clang.mjs';
import { provideDrivers } from './setup/drivers.mjs';
import { buildTestPrograms } from './setup/native.mjs';
import { handOver, say } from './setup/shell.mjs';
import { testEnvironment } from './setup/test-environment.mjs';
import { setUp } from './setup.mjs';

await setUp();
await buildTestPrograms();
for (const missing of [await provideDrivers(), await provideClang()]) if (missing) say(missing);
await handOver(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)],
  testEnvironment(),
);
