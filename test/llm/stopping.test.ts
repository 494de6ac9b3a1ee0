// How a generation ends before its time: its reader leaves, it is stopped, it is aborted. Its sequence is free then.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GenerateOptions } from '../../src/llm/generate-options.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import { describeDevices } from '../support/devices.js';
import { skipped, unlessOn } from '../support/skipped.js';
import { MODELS } from './feed.js';

const PATH = join(MODELS, 'demo-lm-7m-q4_0.gguf');
const COUNT = 8;

describeDevices('a generation that ends early', (device, { backend }) => {
  const onlyCpu = unlessOn('cpu', backend);
  const onCpu = test.skipIf(onlyCpu);
  const named = (name: string) => `${name}${skipped(onlyCpu)}`;
  let model: LanguageModel;
  let whole: string;
  const greedy = (options: GenerateOptions = {}) =>
    model.generate('In the beginning', { temperature: 0, ignoreEnd: true, maxTokens: COUNT, ...options });

  beforeAll(async () => {
    model = await LanguageModel.load(PATH, { device: device(), context: 128 });
    whole = await greedy().text();
  });
  afterAll(() => model.dispose());

  test('leaving the loop frees the sequence, and the summary has the text so far', async () => {
    const generation = greedy();
    let text = '';
    let seen = 0;
    for await (const chunk of generation) {
      text += chunk.text;
      if (++seen === 3) break;
    }
    const summary = await generation.summary();
    expect([summary.text, summary.ids.length, summary.finishReason]).toEqual([text, 3, 'cancelled']);
    expect(whole.startsWith(text)).toBe(true);
    expect(await greedy().text()).toBe(whole);
  });

  onCpu(named('stop frees the sequence of a generation that nobody reads on'), async () => {
    const unread = greedy();
    const first = await unread[Symbol.asyncIterator]().next();
    const waiting = greedy().text();
    await unread.stop();
    expect(await waiting).toBe(whole);
    expect(await unread.summary()).toMatchObject({ text: first.value?.text, finishReason: 'cancelled' });
  });

  onCpu(named('stop ends the loop of a reader who waits for the next chunk'), async () => {
    const generation = greedy({ maxTokens: 100 });
    const iterator = generation[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    await generation.stop();
    await next;
    expect((await iterator.next()).done).toBe(true);
    expect((await generation.summary()).ids.length).toBeLessThan(100);
    await generation.stop();
  });

  onCpu(named('stop ends the waiting for a sequence'), async () => {
    const unread = greedy();
    await unread[Symbol.asyncIterator]().next();
    const waiting = greedy();
    const text = waiting.text();
    await waiting.stop();
    expect(await text).toBe('');
    await unread.stop();
    expect(await greedy().text()).toBe(whole);
  });

  onCpu(named('one that was stopped before it began says nothing'), async () => {
    const generation = greedy();
    await generation.stop();
    for await (const chunk of generation) expect(chunk).toBeUndefined();
    expect(await generation.summary()).toMatchObject({ text: '', ids: [], finishReason: 'cancelled' });
  });

  onCpu(named('its scope ends it'), async () => {
    {
      await using generation = greedy();
      await generation[Symbol.asyncIterator]().next();
    }
    expect(await greedy().text()).toBe(whole);
  });

  onCpu(named('a text that has ended stays as it is when it is stopped'), async () => {
    const generation = greedy();
    expect(await generation.text()).toBe(whole);
    await generation.stop();
    expect(await generation.summary()).toMatchObject({ text: whole, finishReason: 'length' });
  });

  test('an abort ends it with its reason and leaves the model as it was', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const generation = greedy({ signal: controller.signal, maxTokens: 100 });
    let seen = 0;
    const read = async () => {
      for await (const _ of generation) if (++seen === 3) controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    expect(seen).toBe(3);
    await expect(generation.summary()).rejects.toBe(reason);
    const { text, usage } = await greedy().summary();
    expect(text).toBe(whole);
    expect(usage.cachedTokens).toBe(usage.promptTokens - 1);
  });

  onCpu(named('an abort frees the sequence of a generation that nobody reads on'), async () => {
    const reason = new Error('gone');
    const controller = new AbortController();
    const unread = greedy({ signal: controller.signal });
    const iterator = unread[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = greedy().text();
    controller.abort(reason);
    expect(await waiting).toBe(whole);
    await expect(iterator.next()).rejects.toBe(reason);
    await expect(unread.summary()).rejects.toBe(reason);
  });

  onCpu(named('a signal that has aborted is the reason, however often it is asked for'), async () => {
    const reason = new Error('too late');
    const generation = greedy({ signal: AbortSignal.abort(reason) });
    await expect(generation.text()).rejects.toBe(reason);
    await expect(generation.summary()).rejects.toBe(reason);
  });

  onCpu(named('an abort while a prompt is read does not wait for it'), async () => {
    const reason = new Error('too long');
    const prompt = Array.from({ length: 128 }, (_, i) => (i * 37) % 4096);
    const controller = new AbortController();
    const text = model.generate(prompt, { maxTokens: COUNT, signal: controller.signal }).text();
    await null;
    controller.abort(reason);
    await expect(text).rejects.toBe(reason);
    expect(await greedy().text()).toBe(whole);
  });

  onCpu(named('an abort ends the waiting for a sequence'), async () => {
    const unread = greedy();
    await unread[Symbol.asyncIterator]().next();
    const controller = new AbortController();
    const waiting = greedy({ signal: controller.signal }).text();
    const next = greedy().text();
    controller.abort(new Error('no time'));
    await expect(waiting).rejects.toThrow('no time');
    await unread.stop();
    expect(await next).toBe(whole);
  });

  onCpu(named('an abort ends the waiting of texts to be embedded behind others'), async () => {
    const unread = greedy();
    await unread[Symbol.asyncIterator]().next();
    const first = model.embed([[1, 2, 3]]);
    const controller = new AbortController();
    const second = model.embed([[4, 5]], { signal: controller.signal });
    controller.abort(new Error('no more'));
    await expect(second).rejects.toThrow('no more');
    await unread.stop();
    expect((await first).length).toBe(model.info.dimensions);
  });
});
