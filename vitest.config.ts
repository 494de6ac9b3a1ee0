import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Devices use every core themselves.
    maxWorkers: 2,
    // Against work that never ends: a busy machine that compiles shaders for the first time takes its minutes.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
