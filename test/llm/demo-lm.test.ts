// The project's own small model against what its training wrote down, in each kind of weights.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Device } from '../../src/index.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import type { ModelLoadOptions } from '../../src/llm/load-model.js';
import { describeDevices, testDevices } from '../support/devices.js';
import { MODELS, skipped, WEIGHTS_MISSING } from './feed.js';
import { SHARED } from './small-model.js';
import { warAndPeace } from './tokenizer-data.js';

interface Report {
  readonly golden_greedy: Readonly<Record<string, { text: string; ids: number[] }>>;
  readonly golden_logits_ids: number[];
  readonly golden_logits_last_first16: number[];
}

const report = (): Report => JSON.parse(readFileSync(join(SHARED, 'models/report.json'), 'utf8'));
const load = (device: Device, type: string, options: ModelLoadOptions = {}) =>
  LanguageModel.load(join(SHARED, `models/demo-lm-7m-${type}.gguf`), { device, context: 512, ...options });
const greedy = (maxTokens: number) => ({ temperature: 0, maxTokens, ignoreEnd: true });

describeDevices(`demo-lm${skipped(WEIGHTS_MISSING)}`, (device, { backend }) => {
  const onCpu = backend === 'cpu';

  test.skipIf(WEIGHTS_MISSING)('the f16 file says what its training said', async () => {
    using model = await load(device(), 'f16');
    const count = onCpu ? 64 : 12;
    for (const [prompt, { ids, text }] of Object.entries(report().golden_greedy)) {
      const first = ids.length - 64;
      const summary = await model.generate(prompt, greedy(count)).summary();
      expect(summary.ids).toEqual(ids.slice(first, first + count));
      expect(text.slice(prompt.length)).toContain(summary.text.trimEnd());
    }
  });

  test.skipIf(WEIGHTS_MISSING)('logits are those of its training', async () => {
    const { golden_logits_ids: ids, golden_logits_last_first16: wanted } = report();
    using model = await load(device(), 'f16');
    const logits = await model.logits(ids);
    const last = logits.subarray((ids.length - 1) * model.info.vocabulary);
    for (const [id, logit] of wanted.entries()) expect(Math.abs(last[id] - logit)).toBeLessThan(5e-3);
  });

  test.skipIf(WEIGHTS_MISSING)('quantized weights foresee a text almost as well', async () => {
    const text = warAndPeace().slice(onCpu ? -16_000 : -400);
    const perplexities: Record<string, number> = {};
    for (const [type, quantize] of [['f16'], ['q8_0'], ['q4_0'], ['f16', 'int8'], ['f16', 'int4']] as const) {
      if (!onCpu && quantize === undefined && type === 'q8_0') continue;
      using model = await load(device(), type, quantize ? { quantize } : {});
      const { perplexity, loss, tokens } = await model.perplexity(text);
      expect(Math.exp(loss)).toBeCloseTo(perplexity, 6);
      expect(tokens).toBe(model.tokenize(text).length - 1);
      perplexities[quantize ?? type] = perplexity / (perplexities.f16 ?? perplexity);
      if (type === 'f16' && !quantize) perplexities.f16 = perplexity;
    }
    const few = onCpu ? 1 : 3;
    expect(perplexities.f16).toBeLessThan(250);
    for (const [kind, share] of [
      ['q8_0', 0.005],
      ['int8', 0.005],
      ['q4_0', 0.04],
      ['int4', 0.04],
    ] as const)
      if (perplexities[kind]) expect(Math.abs(perplexities[kind] - 1), kind).toBeLessThan(share * few);
  });

  test('the q4_0 file of this repository writes the same on every device', async () => {
    using model = await LanguageModel.load(join(MODELS, 'demo-lm-7m-q4_0.gguf'), { device: device(), context: 256 });
    const text = await model.generate('In the beginning', greedy(24)).text();
    expect(text).toBe(" of the reign of the LORD came unto me, saying, Son of man, thou art the LORD's; and I");
  });

  test.skipIf(onCpu)('the most probable tokens of the q4_0 file are those of the CPU device', async () => {
    using cpu = await testDevices[0].open({ backend: 'cpu', validation: false });
    const path = join(MODELS, 'demo-lm-7m-q4_0.gguf');
    using here = await LanguageModel.load(path, { device: device(), context: 128 });
    using there = await LanguageModel.load(path, { device: cpu, context: 128 });
    const prompt = 'And God said, Let there be light: and there was light. "Well, Prince, so Genoa and Lucca are now';
    const [ours, theirs] = [await here.logits(prompt), await there.logits(prompt)];
    const { vocabulary } = here.info;
    const rows = ours.length / vocabulary;
    const best = (logits: Float32Array, row: number) => {
      const all = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      return all.indexOf(Math.max(...all));
    };
    let agreed = 0;
    for (let row = 0; row < rows; row++) agreed += Number(best(ours, row) === best(theirs, row));
    expect(agreed / rows).toBeGreaterThanOrEqual(0.95);
  });
});
