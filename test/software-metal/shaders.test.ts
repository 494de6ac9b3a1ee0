// The kernels of shaders-metal as Apple's compiler would see them. Their other two builds are those that cases run in.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { skipped } from '../support/skipped.js';
import { compile, temporaryFolder, whyNot } from './run.js';

const sources = resolve(import.meta.dirname, '../../build/generated/metal/sources');

function reasonToSkip(): string | undefined {
  if (!process.env.WAVETILE_TEST_DEVICES?.split(',').includes('metal')) return 'npm run test:metal runs it';
  return whyNot() ?? (existsSync(sources) ? undefined : `${sources} is not there`);
}
const reason = reasonToSkip();

describe.skipIf(reason)(`the language of shaders on metal${skipped(reason)}`, () => {
  const folder = temporaryFolder();
  const kernels = reason ? [] : readdirSync(sources).map((file) => basename(file, '.metal'));

  test.concurrent.each(kernels)('%s has nothing to be said about', async (kernel) => {
    const { messages, isCompiled } = await compile(join(sources, `${kernel}.metal`), { build: 'syntax', folder });
    expect(messages).toBe('');
    expect(isCompiled).toBe(true);
  });
});
