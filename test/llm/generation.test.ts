// What a caller of generate and chat relies on: the stream, its ends, who waits, what is used again.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { GenerateOptions } from '../../src/llm/generate-options.js';
import type { Generation, GenerationChunk } from '../../src/llm/generation.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import type { ModelLoadOptions } from '../../src/llm/load-model.js';
import { describeDevices } from '../support/devices.js';
import { ggufFile, string, strings } from '../support/gguf-writer.js';
import { skipped, unlessOn } from '../support/skipped.js';
import { MODELS } from './feed.js';
import { smallGguf } from './small-model.js';

const PATH = join(MODELS, 'demo-lm-7m-q4_0.gguf');
const PROMPT = 'In the beginning';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-generation-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function collect(generation: Generation): Promise<GenerationChunk[]> {
  const chunks: GenerationChunk[] = [];
  for await (const chunk of generation) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks: readonly GenerationChunk[]) => chunks.map(({ text }) => text).join('');

describeDevices('generation', (device, { backend }) => {
  // Software Vulkan takes its time; what the host does alone is seen on one device.
  const onlyCpu = unlessOn('cpu', backend);
  const onCpu = onlyCpu === undefined;
  const COUNT = onCpu ? 24 : 8;
  const GREEDY = { temperature: 0, ignoreEnd: true, maxTokens: COUNT };
  let model: LanguageModel;
  let greedyText: string;
  let greedyIds: readonly number[];
  const load = (options: ModelLoadOptions = {}) =>
    LanguageModel.load(PATH, { device: device(), context: 128, ...options });
  const greedy = (options: GenerateOptions = {}) => model.generate(PROMPT, { ...GREEDY, ...options });
  const allocations = () => device().memory().allocations;

  beforeAll(async () => {
    model = await load();
    ({ text: greedyText, ids: greedyIds } = await greedy().summary());
  });
  afterAll(() => model.dispose());

  test('streams text that the summary has as a whole', async () => {
    const generation = greedy();
    const chunks = await collect(generation);
    const { text, ids, finishReason, usage, timing } = await generation.summary();
    expect(textOf(chunks)).toBe(text);
    expect(chunks.flatMap(({ ids: some }) => some)).toEqual(ids);
    expect(chunks.length).toBeGreaterThanOrEqual(COUNT);
    expect(model.detokenize(ids)).toBe(text);
    expect([finishReason, usage.completionTokens]).toEqual(['length', COUNT]);
    expect(usage.promptTokens).toBe(model.tokenize(PROMPT).length);
    expect(timing.totalMs).toBeGreaterThan(timing.firstTokenMs);
    expect(timing.tokensPerSecond).toBeGreaterThan(0);
    expect(() => generation[Symbol.asyncIterator]()).toThrow(/can be iterated over once/);
  });

  test.skipIf(onlyCpu)(`ends before a stop string, wherever it lies among the tokens${skipped(onlyCpu)}`, async () => {
    for (const stop of [
      'reign',
      'of the L',
      'eign of',
      'D came unto m',
      greedyText.slice(1, 2),
      greedyText.slice(-3),
    ]) {
      const generation = greedy({ stop: [stop, 'never in the text'] });
      const chunks = await collect(generation);
      const wanted = greedyText.slice(0, greedyText.indexOf(stop));
      expect(textOf(chunks), stop).toBe(wanted);
      const { text, finishReason } = await generation.summary();
      expect([text, finishReason], stop).toEqual([wanted, 'stop']);
    }
    expect(await greedy({ stop: 'the LORDs' }).text()).toBe(greedyText);
  });

  test.skipIf(onlyCpu)(`ends at given tokens, which are no text${skipped(onlyCpu)}`, async () => {
    const last = greedyIds.findIndex((id, i) => i > 4 && greedyIds.indexOf(id) === i);
    const { text, ids, finishReason } = await greedy({ stopIds: [greedyIds[last]] }).summary();
    expect(ids).toEqual(greedyIds.slice(0, last + 1));
    expect(text).toBe(model.detokenize(greedyIds.slice(0, last)));
    expect(finishReason).toBe('stop');
  });

  test('ends where the context ends', async () => {
    const END = onCpu ? 20 : 8;
    using small = await load({ context: END });
    const prompt = small.tokenize(PROMPT);
    const { ids, finishReason } = await small.generate(prompt, { ...GREEDY, maxTokens: 1000 }).summary();
    // The last token that is chosen has no place of its own.
    expect(ids).toEqual(greedyIds.slice(0, END - prompt.length + 1));
    expect(finishReason).toBe('context');
    const full = await small.generate([...prompt, ...greedyIds].slice(0, END), GREEDY).summary();
    expect(full.ids).toEqual([greedyIds[END - prompt.length]]);
    expect(full.finishReason).toBe('context');
    expect(() => small.generate(new Uint32Array(END + 1))).toThrow(
      `at most ${END} tokens (the context), got ${END + 1}`,
    );
  });

  test.skipIf(onlyCpu)(`one token is enough${skipped(onlyCpu)}`, async () => {
    const { ids, usage } = await greedy({ maxTokens: 1 }).summary();
    expect(ids).toEqual(greedyIds.slice(0, 1));
    expect(usage.completionTokens).toBe(1);
  });

  test('memory stays as it is, run by run', async () => {
    const runs = async () => {
      await greedy().summary();
      for await (const _ of greedy()) break;
      await model.generate('ROMEO:', { ...GREEDY, repetitionPenalty: 1.1 }).summary();
    };
    await runs();
    await runs();
    const before = allocations();
    for (let i = 0; i < (onCpu ? 4 : 2); i++) await runs();
    expect(allocations()).toBeLessThanOrEqual(before);
  });

  test.skipIf(onlyCpu)(`a seed decides${skipped(onlyCpu)}`, async () => {
    const story = (seed?: number) =>
      model
        .generate(PROMPT, { maxTokens: 16, temperature: 1.5, topK: 0, topP: 1, minP: 0, ...(seed && { seed }) })
        .text();
    const [one, again, two, any, other] = [
      await story(1),
      await story(1),
      await story(2),
      await story(),
      await story(),
    ];
    expect(again).toBe(one);
    expect(two).not.toBe(one);
    expect(any).not.toBe(other);
  });

  test('penalties change the text', async () => {
    const repeated = await model.generate('ROMEO:', { ...GREEDY, maxTokens: COUNT }).text();
    for (const penalty of [{ repetitionPenalty: 1.5 }, { presencePenalty: 4 }, { frequencyPenalty: 4 }].slice(
      0,
      COUNT / 8,
    )) {
      const text = await model.generate('ROMEO:', { ...GREEDY, maxTokens: COUNT, ...penalty }).text();
      expect(text, JSON.stringify(penalty)).not.toBe(repeated);
      expect(await model.generate('ROMEO:', { ...GREEDY, maxTokens: COUNT, ...penalty }).text()).toBe(text);
    }
    const { ids } = await model.generate(PROMPT, { ...GREEDY, presencePenalty: 100 }).summary();
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.skipIf(onlyCpu)(`with one sequence the second text waits${skipped(onlyCpu)}`, async () => {
    const order: string[] = [];
    const run = async (name: string) => {
      const text = await greedy().text();
      order.push(name);
      return text;
    };
    expect(await Promise.all([run('first'), run('second'), run('third')])).toEqual(Array(3).fill(greedyText));
    expect(order).toEqual(['first', 'second', 'third']);
  });

  test('with two sequences texts grow in turns, each as if alone', async () => {
    using two = await load({ sequences: 2, context: 64 });
    const alone = await model.generate('ROMEO:', GREEDY).text();
    const order: string[] = [];
    const run = async (prompt: string) => {
      let text = '';
      for await (const chunk of two.generate(prompt, GREEDY)) {
        text += chunk.text;
        order.push(prompt);
      }
      return text;
    };
    expect(await Promise.all([run(PROMPT), run('ROMEO:')])).toEqual([greedyText, alone]);
    const turns = order.filter((name, i) => name !== order[i - 1]).length;
    expect(turns).toBeGreaterThan(COUNT / 3);
  });

  test.skipIf(onlyCpu)(`a text goes on while many of other lengths come and go${skipped(onlyCpu)}`, async () => {
    using two = await load({ sequences: 2 });
    const long = two.generate(PROMPT, GREEDY)[Symbol.asyncIterator]();
    let text = (await long.next()).value?.text ?? '';
    for (let length = 1; length <= 32; length++)
      await two.generate(Array(length).fill(length), { temperature: 0, maxTokens: 1 }).summary();
    for (let next = await long.next(); !next.done; next = await long.next()) text += next.value.text;
    expect(text).toBe(greedyText);
  });

  test('what an earlier text left in the cache is not computed again', async () => {
    const first = await greedy().summary();
    const turn = `${PROMPT}${first.text} And Moses said`;
    const second = await model.generate(turn, GREEDY).summary();
    const shared = first.usage.promptTokens + first.usage.completionTokens - 2;
    expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(shared - 1);
    using fresh = await load();
    const alone = await fresh.generate(turn, GREEDY).summary();
    expect(alone.usage.cachedTokens).toBe(0);
    expect(second.text).toBe(alone.text);
    // Back to a shorter beginning.
    const { text, usage } = await greedy().summary();
    expect([text, usage.cachedTokens]).toEqual([greedyText, usage.promptTokens - 1]);
  });

  test.skipIf(onlyCpu)(`perplexity and embed never tokenize a whole text at once${skipped(onlyCpu)}`, async () => {
    const atOnce = vi.spyOn(model.tokenizer, 'encode');
    const { tokens } = await model.perplexity(PROMPT);
    expect((await model.embed([PROMPT, greedyText])).length).toBe(2 * model.info.dimensions);
    expect(atOnce).not.toHaveBeenCalled();
    atOnce.mockRestore();
    expect(tokens).toBe(model.tokenize(PROMPT).length - 1);
  });

  test('a conversation goes by the template of the file', async () => {
    const template = "{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}{{ suffix }}";
    const metadata = { 'tokenizer.chat_template': string(template), 'tokenizer.ggml.merges': strings([]) };
    const path = join(folder, `${backend}-chat.gguf`);
    await writeFile(path, ggufFile(smallGguf({ metadata })));
    using small = await LanguageModel.load(path, { device: device() });
    const generation = small.chat([{ role: 'user', content: 'ab' }], { variables: { suffix: 'b' }, maxTokens: 3 });
    const { usage } = await generation.summary();
    expect(usage.promptTokens).toBe(4); // a, b, <|im_end|>, b
    expect(() => small.chat([{ role: 'user', content: 'a' }], { maxToken: 1 } as object)).toThrow(/maxTokens/);
  });

  test('without a template there is no conversation', () => {
    expect(() => model.chat([{ role: 'user', content: 'Hello' }])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('no chat template') }),
    );
  });
});
