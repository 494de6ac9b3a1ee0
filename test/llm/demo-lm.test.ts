// The project's own small model against what its training wrote down, in each kind of weights.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/index.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import type { ModelLoadOptions } from '../../src/llm/load-model.js';
import { describeDevices, testDevices } from '../support/devices.js';
import { skipped, unlessOn } from '../support/skipped.js';
import { dequantized } from './dequantized.js';
import { MODELS, relativeError, WEIGHTS_MISSING } from './feed.js';
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
const Q4_0 = join(MODELS, 'demo-lm-7m-q4_0.gguf');
const GENESIS =
  'In the beginning God created the heaven and the earth. And the earth was without form, and void; and darkness was ' +
  'upon the face of the deep. And the Spirit of God moved upon the face of the waters. And God said, Let there be light: ' +
  'and there was light. And God saw the light, that it was good: and God divided the light from the darkness.';
/** Of the text that its training left out: the last paragraphs of the book, in the form that it read the others in. */
function heldOut(): string {
  const paragraphs = warAndPeace()
    .split(/\r?\n\r?\n/)
    .map((text) => text.replace(/\s+/g, ' ').trim());
  const long = paragraphs.filter((text) => text.length > 20);
  return long.slice(Math.floor(long.length * 0.99)).join('\n\n');
}

const greedy = (maxTokens: number) => ({ temperature: 0, maxTokens, ignoreEnd: true });

let folder: string;
let plainPath: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-demo-lm-'));
  plainPath = await dequantized(Q4_0, join(folder, 'plain.gguf'));
});
afterAll(() => rm(folder, { recursive: true }));

describeDevices(`demo-lm${skipped(WEIGHTS_MISSING)}`, (device, { backend }) => {
  const onlyCpu = unlessOn('cpu', backend);
  const isCpu = onlyCpu ? undefined : 'it is the CPU device';

  test.skipIf(WEIGHTS_MISSING)('the f16 file says what its training said', async () => {
    using model = await load(device(), 'f16');
    const few = backend === 'vulkan'; // lavapipe takes its time
    const count = few ? 6 : 64;
    for (const [prompt, { ids, text }] of Object.entries(report().golden_greedy).slice(0, few ? 1 : 4)) {
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

  test.skipIf(WEIGHTS_MISSING ?? onlyCpu)(
    `quantized weights foresee a text almost as well${skipped(onlyCpu)}`,
    async () => {
      const text = heldOut();
      const perplexityOf = async (type: string, options: ModelLoadOptions = {}) => {
        using model = await load(device(), type, options);
        const { perplexity, loss, tokens } = await model.perplexity(text);
        expect(Math.exp(loss)).toBeCloseTo(perplexity, 6);
        expect(tokens).toBe(model.tokenize(text).length - 1);
        process.stdout.write(`perplexity of ${type} ${JSON.stringify(options)}: ${perplexity.toFixed(3)}\n`);
        return perplexity;
      };
      const plain = await perplexityOf('f16');
      expect(plain).toBeLessThan(60);
      const change = async (...kind: Parameters<typeof perplexityOf>) =>
        Math.abs((await perplexityOf(...kind)) / plain - 1);
      expect(await change('q8_0')).toBeLessThan(0.002);
      expect(await change('q4_0')).toBeLessThan(0.03);
      expect(await change('f16', { quantize: 'int4', group: 128 })).toBeLessThan(0.03);
      expect(await change('f16', { quantize: 'int8' })).toBeLessThan(0.002);
      expect(await change('f16', { quantize: 'int4' })).toBeLessThan(0.02);
    },
  );

  test.skipIf(onlyCpu)(`blocks of a file count as the numbers that they stand for${skipped(onlyCpu)}`, async () => {
    const load = (path: string) => LanguageModel.load(path, { device: device(), context: 512 });
    using quantized = await load(Q4_0);
    using plain = await load(plainPath);
    const ids = quantized.tokenize(GENESIS);
    const [{ loss }, { loss: wanted }] = [await quantized.perplexity(ids), await plain.perplexity(ids)];
    expect(wanted).toBeLessThan(4);
    expect(Math.abs(loss - wanted)).toBeLessThan(0.03);
    expect(relativeError(await quantized.logits(ids), await plain.logits(ids))).toBeLessThan(0.05);
  });

  test('the q4_0 file of this repository writes the same on every device', async () => {
    using model = await LanguageModel.load(Q4_0, { device: device(), context: 256 });
    const text = await model.generate('In the beginning', greedy(24)).text();
    expect(text).toBe(" of the reign of the LORD came unto me, saying, Son of man, thou art the LORD's; and I");
  });

  test.skipIf(isCpu)(
    `the most probable tokens of the q4_0 file are those of the CPU device${skipped(isCpu)}`,
    async () => {
      using cpu = await testDevices[0].open({ backend: 'cpu', validation: false });
      using here = await LanguageModel.load(Q4_0, { device: device(), context: 128 });
      using there = await LanguageModel.load(Q4_0, { device: cpu, context: 128 });
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
    },
  );
});
