// Each architecture as its authors' implementation computes it in doubles, however its prompt is cut.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LanguageModel } from '../../src/llm/language-model.js';
import { describeDevices } from '../support/devices.js';
import { skipped, unlessOn } from '../support/skipped.js';
import { logitsByChunks, openTransformer, relativeError } from './feed.js';
import { MODELS_MISSING, SHARED } from './small-model.js';

const NAMES = ['llama3', 'mistral', 'qwen2', 'qwen3', 'gemma3', 'phi3'];
const TOLERANCE = 2e-3;
/** Around the sizes at which kernels and the mistral's window change. */
const UNEVEN = [1, 7, 16, 17, 29];

interface Golden {
  readonly prompt: number[];
  readonly greedy: number[];
  /** By position. */
  readonly logits: Readonly<Record<string, number[]>>;
}

const pathOf = (name: string) => join(SHARED, 'data/architectures', name);
const goldenOf = (name: string): Golden => JSON.parse(readFileSync(join(pathOf(name), 'golden.json'), 'utf8'));

/** Prints it too: the tolerance says less than how far from it they are. */
function worst(name: string, logits: Float32Array, golden: Golden): number {
  const errors = Object.entries(golden.logits).map(([position, wanted]) => {
    const first = Number(position) * wanted.length;
    return relativeError(logits.subarray(first, first + wanted.length), wanted);
  });
  process.stdout.write(`${name}: logits differ by ${Math.max(...errors).toExponential(1)} of the largest\n`);
  return Math.max(...errors);
}

describeDevices(`architectures${skipped(MODELS_MISSING)}`, (device, { backend }) => {
  const options = () => ({ device: device(), context: 128 });
  const onlyCpu = unlessOn('cpu', backend);

  test.skipIf(MODELS_MISSING).each(NAMES)(
    '%s: logits of the whole prompt are the golden ones, and so is the greedy text behind it',
    async (name) => {
      const golden = goldenOf(name);
      using model = await LanguageModel.load(pathOf(name), options());
      expect(worst(name, await model.logits(golden.prompt), golden)).toBeLessThan(TOLERANCE);
      const { length: maxTokens } = golden.greedy;
      const greedy = { temperature: 0, maxTokens, ignoreEnd: true };
      expect((await model.generate(golden.prompt, greedy).summary()).ids).toEqual(golden.greedy);
    },
  );

  test.skipIf(MODELS_MISSING).each(backend === 'cpu' ? NAMES : ['mistral'])(
    '%s: a prompt gives the same token by token and in uneven chunks',
    async (name) => {
      const golden = goldenOf(name);
      const sizes = backend === 'cpu' ? UNEVEN : [29, 16];
      using transformer = await openTransformer(device(), pathOf(name), { context: 128 });
      if (backend === 'cpu')
        expect(worst(name, await logitsByChunks(transformer, golden.prompt, [1]), golden)).toBeLessThan(TOLERANCE);
      expect(worst(name, await logitsByChunks(transformer, golden.prompt, sizes), golden)).toBeLessThan(TOLERANCE);
    },
  );

  test.skipIf(MODELS_MISSING ?? onlyCpu)(
    `a prompt that grows goes on from the cache, with the same greedy text${skipped(onlyCpu)}`,
    async () => {
      const golden = goldenOf('mistral');
      using model = await LanguageModel.load(pathOf('mistral'), options());
      let length = 0;
      for (const more of UNEVEN) {
        const cached = length;
        length += more;
        const { usage } = await model.generate(golden.prompt.slice(0, length), { maxTokens: 1 }).summary();
        expect(usage).toEqual({ promptTokens: length, cachedTokens: cached, completionTokens: 1 });
      }
      const greedy = { temperature: 0, maxTokens: golden.greedy.length, ignoreEnd: true };
      expect((await model.generate(golden.prompt, greedy).summary()).ids).toEqual(golden.greedy);
    },
  );
});
