// What goes wrong with models: it is said early and in words, nothing stays behind, and the process goes on.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ComputeError, type Device } from '../../src/index.js';
import { ChatTemplate } from '../../src/llm/chat-template.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import type { ModelLoadOptions } from '../../src/llm/load-model.js';
import { ModelFile } from '../../src/llm/model-file.js';
import { describeDevices } from '../support/devices.js';
import { ggufFile, strings, u32, type WrittenTensor } from '../support/gguf-writer.js';
import { Random } from '../support/random.js';
import { MODELS } from './feed.js';
import { smallGguf, writeFolder } from './small-model.js';

const PATH = join(MODELS, 'demo-lm-7m-q4_0.gguf');

/** What runs on the device when a model goes keeps its memory until it has run. */

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wavetile-llm-errors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Random numbers, or `value` in one matrix and the norms as they should be. */
function filled({ name, shape }: WrittenTensor, poisoned?: string): WrittenTensor {
  const random = new Random(name.length);
  const count = shape.reduce((product, side) => product * side, 1);
  const value = () => (name === poisoned ? Number.NaN : shape.length === 1 ? 1 : 0.1 * random.normal());
  const numbers = Float32Array.from({ length: count }, value);
  return { name, type: 'F32', shape, data: new Uint8Array(numbers.buffer) };
}

async function smallModel(name: string, poisoned?: string): Promise<string> {
  const path = join(folder, name);
  const metadata = { 'tokenizer.ggml.merges': strings([]) };
  const tensors = (all: WrittenTensor[]) => all.map((tensor) => filled(tensor, poisoned));
  await writeFile(path, ggufFile(smallGguf({ metadata, tensors })));
  return path;
}

/** Layers with a window have a rope of their own there. */
function smallGemma3() {
  const metadata = { 'gemma3.attention.sliding_window': u32(16), 'tokenizer.ggml.merges': strings([]) };
  const norms = (index: number): WrittenTensor[] => [
    ...['attn_q_norm', 'attn_k_norm'].map((name) => ({
      name: `blk.${index}.${name}.weight`,
      type: 'F32',
      shape: [16],
    })),
    ...['post_attention_norm', 'post_ffw_norm'].map((name) => ({
      name: `blk.${index}.${name}.weight`,
      type: 'F32',
      shape: [64],
    })),
  ];
  return smallGguf({ architecture: 'gemma3', metadata, tensors: (all) => [...all, ...norms(0), ...norms(1)] });
}

async function failure(work: Promise<unknown> | (() => unknown)): Promise<ComputeError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error as ComputeError;
  }
  throw new Error('it did not fail');
}

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return 'nothing was thrown';
}

describeDevices('errors of models', (device, kind) => {
  const load = (path: string, options: ModelLoadOptions = {}) =>
    LanguageModel.load(path, { device: device(), context: 64, ...options });

  test('a device that is too small is told of before anything is read', async () => {
    using small: Device = await kind.open({ memoryLimitBytes: 6 * 2 ** 20 });
    const before = small.memory().allocations;
    const error = await failure(LanguageModel.load(PATH, { device: small, context: 512 }));
    expect(error).toBeInstanceOf(ComputeError);
    expect(error.code).toBe('OUT_OF_MEMORY');
    expect(error.message).toMatch(/the model needs [\d.]+ [MG]B \(weights [\d.]+ MB.*, the device has [\d.]+ MB free/);
    expect(error.suggestion).toBeTruthy();
    expect(small.memory().allocations).toBe(before);
  });

  test('a truncated file, a file of something else and no file are told apart', async () => {
    const path = join(folder, `${kind.backend}-short.gguf`);
    const bytes = await readFile(PATH);
    await writeFile(path, bytes.subarray(0, bytes.length - 5000));
    const before = device().memory().liveBytes;
    expect(await failure(load(path))).toMatchObject({ code: 'INVALID_FILE', message: expect.stringContaining(path) });
    await writeFile(path, 'What is this?');
    expect(await failure(load(path))).toMatchObject({ code: 'INVALID_FILE' });
    expect(await failure(load(join(folder, 'none.gguf')))).toMatchObject({ code: 'ENOENT' });
    await expect.poll(() => device().memory().liveBytes).toBeLessThanOrEqual(before);
  });

  test('a model that is not known is refused, and a tokenizer that lacks something', async () => {
    const path = join(folder, `${kind.backend}-other.gguf`);
    const before = device().memory().liveBytes;
    await writeFile(path, ggufFile(smallGguf({ architecture: 'mamba' })));
    expect(await failure(load(path))).toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining('mamba') });
    await writeFile(path, ggufFile(smallGguf()));
    expect(await failure(load(path))).toMatchObject({ code: 'INVALID_FILE' });
    await expect.poll(() => device().memory().liveBytes).toBeLessThanOrEqual(before);
  });

  test('a tokenizer.json that is no JSON is refused, and one without a vocabulary', async () => {
    for (const [i, text] of ['{"model": ', '[]', '{"model": {}}'].entries()) {
      const path = writeFolder(join(folder, `${kind.backend}-${i}`), { 'tokenizer.json': text });
      expect(await failure(load(path))).toMatchObject({
        name: 'ComputeError',
        code: 'INVALID_FILE',
        message: expect.stringContaining('tokenizer.json'),
      });
    }
  });

  test('weights that are no numbers end a text with an error, which the summary has too', async () => {
    const path = await smallModel(`${kind.backend}-nan.gguf`, 'blk.1.ffn_down.weight');
    using model = await load(path);
    const generation = model.generate([1, 2, 3], { temperature: 0 });
    const error = await failure(generation.text());
    expect(error).toBeInstanceOf(ComputeError);
    expect(error.message).toMatch(/NaN/);
    expect(await failure(generation.summary())).toBe(error);
    using sound = await load(await smallModel(`${kind.backend}-sound.gguf`));
    expect((await sound.generate([1, 2, 3], { ignoreEnd: true, maxTokens: 4 }).summary()).ids.length).toBe(4);
  });

  test('a model that was disposed of says so to all work that runs, waits or comes', async () => {
    const path = await smallModel(`${kind.backend}-small.gguf`);
    const before = device().memory().liveBytes;
    const model = await load(path);
    const running = model.generate([1, 2], { maxTokens: 60, ignoreEnd: true })[Symbol.asyncIterator]();
    await running.next();
    const waiting = model.generate([1, 3], { maxTokens: 60, ignoreEnd: true }).text();
    waiting.catch(() => undefined);
    const prepared = model.generate([1, 4]);
    const late = [model.perplexity([1, 2, 3]), model.logits([1, 2]), model.embed([[1]])];
    for (const one of late) one.catch(() => undefined);
    model.dispose();
    model.dispose();
    expect(model.disposed).toBe(true);
    const rest = async () => {
      while (!(await running.next()).done);
    };
    const gone = { code: 'DISPOSED', message: 'the model was disposed of' };
    expect(await failure(rest)).toMatchObject(gone);
    expect(await failure(waiting)).toMatchObject(gone);
    for (const one of late) expect(await failure(one)).toMatchObject(gone);
    expect(await failure(prepared.text())).toMatchObject(gone);
    for (const call of [() => model.generate([1]), () => model.embed([[1]]), () => model.logits([1])])
      expect(await failure(call)).toMatchObject({ ...gone, message: expect.stringContaining(gone.message) });
    await expect.poll(() => device().memory().liveBytes).toBeLessThanOrEqual(before);
  });

  test('a table that does not fit takes the other one with it', async () => {
    const path = join(folder, `${kind.backend}-gemma3.gguf`);
    await writeFile(path, ggufFile(smallGemma3()));
    using own = await kind.open();
    await LanguageModel.load(path, { device: own }).then((model) => model.dispose());
    const before = own.memory().liveBytes;
    const upload = own.tensorFrom.bind(own);
    let tables = 0;
    own.tensorFrom = (...call) => (++tables === 2 ? Promise.reject(new Error('no room')) : upload(...call));
    await expect(LanguageModel.load(path, { device: own })).rejects.toThrow('no room');
    await expect.poll(() => own.memory().liveBytes).toBe(before);
  });

  test('an abort while loading leaves nothing behind', async () => {
    const before = device().memory().liveBytes;
    const reason = new Error('not this one');
    const controller = new AbortController();
    const onProgress = () => controller.abort(reason);
    expect(await failure(load(PATH, { signal: controller.signal, onProgress }))).toBe(reason);
    expect(await failure(load(PATH, { signal: controller.signal }))).toBe(reason);
    await expect.poll(() => device().memory().liveBytes).toBeLessThanOrEqual(before);
  });

  test('wrong arguments are told at once', async () => {
    using model = await load(await smallModel(`${kind.backend}-arguments.gguf`));
    const { vocabulary } = model.info;
    const wrong: [() => unknown, RegExp][] = [
      [() => model.generate([vocabulary]), /prompt\[0\] must be .*7, got 8/],
      [() => model.generate([1, -1]), /prompt\[1\]/],
      [() => model.generate([0.5]), /prompt\[0\]/],
      [() => model.generate([]), /prompt must have at least 1 token, got none/],
      [() => model.generate(5 as unknown as string), /prompt must be a string or token ids, got 5/],
      [() => model.generate(Array(65).fill(1)), /at most 64 tokens/],
      [() => model.generate([1], { maxtokens: 5 } as object), /did you mean 'maxTokens'\?/],
      [() => model.generate([1], { temperature: -1 }), /temperature must be/],
      [() => model.generate([1], { topP: 2 }), /topP must be/],
      [() => model.generate([1], { stop: 5 as unknown as string }), /stop must be/],
      [() => model.generate([1], { stopIds: [1.5] }), /stopIds\[0\]/],
      [() => model.generate([1], { signal: {} as AbortSignal }), /signal must be/],
      [() => model.logits([1], { signal: {} as AbortSignal }), /signal must be/],
      [() => model.perplexity([1]), /at least 2 tokens, got 1/],
      [() => model.perplexity([1, 2], { onProgress: 5 as never }), /onProgress must be a function, got 5/],
      [() => model.embed([[1]], null as never), /options must be an object, got null/],
      [() => model.generate([1], null as never), /options must be an object, got null/],
      [() => model.chat([], null as never), /^TypeError: model.chat: options must be an object, got null/],
      [() => model.logits([1], 5 as never), /options must be an object, got 5/],
      [() => model.detokenize(5 as never), /tokenizer.decode: ids must be token ids, got 5/],
      [
        () => new (LanguageModel as unknown as new () => unknown)(),
        /LanguageModel has no public constructor: use LanguageModel.load/,
      ],
      [
        () => new (ModelFile as unknown as new () => unknown)(),
        /ModelFile has no public constructor: use ModelFile.open/,
      ],
      [
        () => new (ChatTemplate as unknown as new () => unknown)(),
        /ChatTemplate has no public constructor: use ChatTemplate.from/,
      ],
      [() => ModelFile.open(5 as never), /ModelFile.open: path must be/],
      [() => LanguageModel.load(PATH, { device: {} as never }), /device must be a Device, got an object/],
      [() => LanguageModel.load(PATH, { onProgress: 5 as never }), /onProgress must be a function, got 5/],
      [() => model.perplexity([1, 2], { window: 65 }), /window must be/],
      [() => LanguageModel.load(PATH, { quantise: 'int8' } as object), /did you mean 'quantize'\?/],
      [() => LanguageModel.load(PATH, { quantize: 'int3' as 'int4' }), /quantize must be/],
      [() => LanguageModel.load(5 as unknown as string), /path must be/],
    ];
    for (const [call, message] of wrong) expect(String(thrown(call)), String(call)).toMatch(message);
  });
});
