// Logits and perplexity against a reference in doubles, in weights of one kind and of several.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LanguageModel } from '../../src/llm/language-model.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { type RandomTransformer, randomTransformer, referenceLogits } from '../support/transformer.js';
import { relativeError } from './feed.js';
import { writeTransformer } from './random-model.js';

// Nothing is a whole number of tiles but what has to be for blocks of a file.
const SHAPE = {
  layers: 2,
  dimensions: 96,
  feedForward: 160,
  heads: 6,
  kvHeads: 2,
  headSize: 16,
  vocabulary: 77,
  theta: 10_000,
  epsilon: 1e-5,
};
const IDS = Array.from(new Random(2).words(70, SHAPE.vocabulary));

let folder: string;
let plain: RandomTransformer;
let mixed: RandomTransformer;
const pathOf = (name: string) => join(folder, `${name}.gguf`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-evaluation-'));
  const model = randomTransformer(SHAPE, 1);
  plain = writeTransformer(pathOf('plain'), model, { context: 128 });
  mixed = writeTransformer(pathOf('mixed'), model, { context: 128, layers: 'Q8_0' });
});
afterAll(() => rm(folder, { recursive: true }));

/** -log p of each token but the first, given those before it in its window. */
function lossesOf(model: RandomTransformer, ids: readonly number[], window: number): number[] {
  const losses: number[] = [];
  for (let first = 0; first < ids.length - 1; first += window) {
    const part = ids.slice(first, Math.min(first + window, ids.length - 1));
    const logits = referenceLogits(model, part, [...part.keys()]);
    for (const [row, all] of logits) {
      const largest = Math.max(...all);
      const total = all.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      losses.push(largest + Math.log(total) - all[ids[first + row + 1]]);
    }
  }
  return losses;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describeDevices('evaluation', (device, { backend }) => {
  const load = (name: string, options = {}) =>
    LanguageModel.load(pathOf(name), { device: device(), context: 128, ...options });

  test.each([
    ['plain', 1e-3],
    // Activations become bytes before each product with quantized weights.
    ['mixed', 3e-2],
  ] as const)('logits of a model of %s weights are those of the reference', async (name, tolerance) => {
    using model = await load(name);
    const logits = await model.logits(IDS);
    expect(logits.length).toBe(IDS.length * SHAPE.vocabulary);
    const wanted = referenceLogits(name === 'plain' ? plain : mixed, IDS, [...IDS.keys()]);
    for (const [t, row] of wanted)
      expect(relativeError(logits.subarray(t * SHAPE.vocabulary, (t + 1) * SHAPE.vocabulary), row)).toBeLessThan(
        tolerance,
      );
    const few = await model.logits(IDS.slice(0, 5));
    expect(relativeError(few, logits.subarray(0, few.length))).toBeLessThan(tolerance);
  });

  test('a step chooses as the logits say', async () => {
    using model = await load('mixed');
    const { ids } = await model.generate(IDS.slice(0, 20), { temperature: 0, maxTokens: 8 }).summary();
    const logits = await model.logits([...IDS.slice(0, 20), ...ids]);
    for (const [i, id] of ids.entries()) {
      const row = logits.subarray((19 + i) * SHAPE.vocabulary, (20 + i) * SHAPE.vocabulary);
      expect(Math.max(...row) - row[id]).toBeLessThan(0.02 * Math.max(...row.map(Math.abs)));
    }
  });

  test('perplexity is that of its windows, and tells how far it is', async () => {
    using model = await load('plain');
    for (const window of backend === 'cpu' ? [128, 24, 2] : [24]) {
      const seen: number[] = [];
      const { perplexity, loss, tokens } = await model.perplexity(IDS, {
        window,
        onProgress: (progress) => seen.push(progress.done),
      });
      const wanted = mean(lossesOf(plain, IDS, window));
      expect(Math.abs(loss - wanted), `window ${window}`).toBeLessThan(1e-3);
      expect(perplexity).toBeCloseTo(Math.exp(loss), 9);
      expect(tokens).toBe(IDS.length - 1);
      expect(seen).toEqual(Array.from({ length: Math.ceil(69 / window) }, (_, i) => Math.min(69, (i + 1) * window)));
    }
  });

  test('an abort ends perplexity and leaves the model usable', async () => {
    using model = await load('plain');
    const controller = new AbortController();
    const onProgress = () => controller.abort(new Error('enough'));
    const run = model.perplexity(IDS, { window: 24, signal: controller.signal, onProgress });
    await expect(run).rejects.toThrow('enough');
    await expect(model.logits(IDS, { signal: controller.signal })).rejects.toThrow('enough');
    expect((await model.perplexity(IDS, { window: 24 })).loss).toBeGreaterThan(0);
  });
});
