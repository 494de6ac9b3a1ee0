// A Llama that others trained: its greedy text as its author's program writes it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LanguageModel } from '../../src/llm/language-model.js';
import { describeDevices } from '../support/devices.js';
import { skipped } from '../support/skipped.js';
import { SHARED } from './small-model.js';

const FOLDER = join(SHARED, 'data/stories260K');
const MISSING = existsSync(FOLDER) ? undefined : `no stories in ${SHARED}`;

describeDevices(`stories260K${skipped(MISSING)}`, (device, { backend }) => {
  test.skipIf(MISSING)(`256 tokens from its beginning token on are the golden ones${skipped(MISSING)}`, async () => {
    using model = await LanguageModel.load(join(FOLDER, 'stories260K.gguf'), { device: device() });
    const golden = readFileSync(join(FOLDER, 'greedy_run.c_256.txt'), 'utf8').trimEnd();
    const maxTokens = backend === 'vulkan' ? 48 : 256;
    const { text, ids } = await model.generate([1], { temperature: 0, maxTokens }).summary();
    expect(ids.length).toBe(maxTokens);
    if (backend !== 'vulkan') expect(text).toBe(golden);
    else expect(golden.startsWith(text) && text.length > 100).toBe(true);
  });
});
