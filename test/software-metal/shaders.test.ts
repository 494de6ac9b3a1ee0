// The kernels of shaders-metal as Apple's compiler would see them. Their other two builds are those that cases run in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { skipped } from '../support/skipped.js';
import { compile, languages, temporaryFolder, whyNot } from './run.js';

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
    const source = join(sources, `${kernel}.metal`);
    const isOfBoth = readFileSync(source, 'utf8').includes('__METAL_VERSION__');
    for (const language of isOfBoth ? languages : languages.slice(0, 1)) {
      const { messages, isCompiled } = await compile(source, { build: 'syntax', language, folder });
      expect(messages).toBe('');
      expect(isCompiled).toBe(true);
    }
  });
});
