// A long context: what lies far behind counts as much as it should, however the text came into the cache.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../src/index.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import { testDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { skipped } from '../support/skipped.js';
import { randomTransformer, referenceLogits } from '../support/transformer.js';
import { relativeError } from './feed.js';
import { writeTransformer } from './random-model.js';

const CONTEXT = 32 * 1024;
const SHAPE = {
  layers: 1,
  dimensions: 32,
  feedForward: 32,
  heads: 1,
  kvHeads: 1,
  headSize: 16,
  vocabulary: 48,
  theta: 1e6,
  epsilon: 1e-5,
};

const cpu = testDevices.find(({ backend }) => backend === 'cpu');
const reason = cpu ? undefined : 'it is for the CPU device';

describe.skipIf(reason)(`a context of 32768 tokens on cpu${skipped(reason)}`, () => {
  let folder: string;
  let device: Device;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wavetile-context-'));
    device = await cpu!.open();
  });
  afterAll(async () => {
    device?.dispose();
    await rm(folder, { recursive: true });
  });

  test('tokens at its end see all of it', async () => {
    // Sharp: some tokens far behind decide.
    const written = randomTransformer(SHAPE, 3, 2);
    const path = join(folder, 'long.gguf');
    writeTransformer(path, written, { context: CONTEXT });
    using model = await LanguageModel.load(path, { device, context: CONTEXT });
    const ids = Array.from(new Random(4).words(CONTEXT, SHAPE.vocabulary));
    const logits = await model.logits(ids);
    const positions = [0, 31, 32, 129, 4095, 20_001, CONTEXT - 2, CONTEXT - 1];
    for (const [position, wanted] of referenceLogits(written, ids, positions)) {
      const got = logits.subarray(position * SHAPE.vocabulary, (position + 1) * SHAPE.vocabulary);
      expect(relativeError(got, wanted), `position ${position}`).toBeLessThan(2e-3);
    }
    // The same by a step.
    const last = await model.generate(ids, { temperature: 0, maxTokens: 2 }).summary();
    const end = logits.subarray((CONTEXT - 1) * SHAPE.vocabulary);
    expect(last.ids).toEqual([end.indexOf(Math.max(...end))]);
    expect(last.finishReason).toBe('context');
    const before = await model.generate(ids.slice(0, -1), { temperature: 0, maxTokens: 2 }).summary();
    const [first, second] = before.ids;
    const behind = logits.subarray((CONTEXT - 2) * SHAPE.vocabulary, (CONTEXT - 1) * SHAPE.vocabulary);
    expect(first).toBe(behind.indexOf(Math.max(...behind)));
    const changed = [...ids.slice(0, -1), first];
    const wanted = referenceLogits(written, changed, [CONTEXT - 1]).get(CONTEXT - 1)!;
    expect(second).toBe(wanted.indexOf(Math.max(...wanted)));
  });
});
