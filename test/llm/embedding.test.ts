// Vectors of texts: those of the training, the same alone and in company, and into an index without leaving the device.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FlatIndex } from '../../src/index.js';
import { LanguageModel } from '../../src/llm/language-model.js';
import { describeDevices } from '../support/devices.js';
import { Random } from '../support/random.js';
import { skipped, unlessOn } from '../support/skipped.js';
import { cosine, MODELS, WEIGHTS_MISSING } from './feed.js';
import { SHARED } from './small-model.js';

const PATH = join(MODELS, 'demo-embed-7m-q8_0.gguf');
const DIMENSIONS = 256;

describeDevices(`embedding${skipped(WEIGHTS_MISSING)}`, (device, { backend }) => {
  // Software Vulkan takes its time; packing is the host's work.
  const onlyCpu = unlessOn('cpu', backend);
  const slow = onlyCpu !== undefined;
  let model: LanguageModel;
  const load = (options = {}) => LanguageModel.load(PATH, { device: device(), context: 256, ...options });
  const row = (vectors: Float32Array, i: number) => vectors.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
  beforeAll(async () => {
    model = await load();
  });
  afterAll(() => model.dispose());

  /** Token ids of so many texts; the longest take several passes on the CPU device. */
  function texts(count: number, most: number): number[][] {
    const random = new Random(count);
    return Array.from({ length: count }, () => Array.from(random.words(1 + random.below(most), 4096)));
  }

  test.skipIf(WEIGHTS_MISSING)('vectors are those of the training', async () => {
    const report = JSON.parse(readFileSync(join(SHARED, 'models/report.json'), 'utf8'));
    const golden = Object.entries(report.golden_embedding_first8 as Record<string, number[]>);
    const vectors = await model.embed(golden.map(([text]) => text));
    for (const [i, [text, first]] of golden.entries()) {
      const got = row(vectors, i).subarray(0, first.length);
      expect(cosine(got, first), text).toBeGreaterThan(0.999);
      for (const [d, wanted] of first.entries()) expect(Math.abs(got[d] - wanted), text).toBeLessThan(1e-2);
      expect(Math.hypot(...row(vectors, i))).toBeCloseTo(1, 5);
    }
  });

  test('many texts together are as each alone, however long they are', async () => {
    // More than there are slots, and more tokens than a pass has rows.
    const ids = !slow ? [...texts(40, 30), ...texts(5, 256), [7]] : [...texts(34, 4), [7], ...texts(1, 60)];
    const vectors = await model.embed(ids);
    const alone = !slow ? ids.keys() : [0, 34, 35];
    for (const i of alone) {
      const wanted = await model.embed([ids[i]]);
      expect(cosine(row(vectors, i), wanted), `text ${i}`).toBeGreaterThan(0.9999);
    }
  });

  test.skipIf(onlyCpu)(`a text longer than a pass spans several${skipped(onlyCpu)}`, async () => {
    const { chunk, rest } = { chunk: 128, rest: 72 };
    const [long] = [Array.from(new Random(8).words(chunk + rest, 4096))];
    const pooled = await model.embed([long], { normalize: false });
    // The mean of all is not that of either part.
    const first = await model.embed([long.slice(0, chunk)], { normalize: false });
    const difference = Math.hypot(...pooled.map((value, d) => value - (first[d] * chunk) / (chunk + rest)));
    expect(difference).toBeGreaterThan(0.1);
    // Begun in the middle of a pass, its parts are cut elsewhere.
    const together = await model.embed([[1, 2, 3], long.slice(0, 100), long], { normalize: false });
    expect(cosine(row(together, 2), pooled)).toBeGreaterThan(0.9999);
    expect(Math.hypot(...row(together, 2)) / Math.hypot(...pooled)).toBeCloseTo(1, 3);
  });

  test('pooling takes the last token alone where that is asked for', async () => {
    const ids = texts(3, 20);
    const last = await model.embed(ids, { pooling: 'last' });
    const mean = await model.embed(ids, { pooling: 'mean' });
    expect(cosine(row(last, 0), row(mean, 0))).toBeLessThan(0.99);
    const single = ids.map((text) => [text[text.length - 1]]);
    expect(Math.hypot(...row(last, 1))).toBeCloseTo(1, 5);
    // Of a text of one token both are the same.
    const both = [await model.embed(single, { pooling: 'last' }), await model.embed(single, { pooling: 'mean' })];
    expect(cosine(both[0], both[1])).toBeGreaterThan(0.99999);
  });

  test.skipIf(onlyCpu)(`texts that are too long are an error, or lose their end${skipped(onlyCpu)}`, async () => {
    const long = Array.from(new Random(3).words(257, 4096));
    await expect(async () => model.embed([[1], long])).rejects.toThrow(
      'texts[1] must have at most 256 tokens (the context), got 257',
    );
    const cut = await model.embed([long], { truncate: true });
    expect(cosine(cut, await model.embed([long.slice(0, 256)]))).toBeGreaterThan(0.9999);
  });

  test.skipIf(onlyCpu)(`several calls at a time do not mix${skipped(onlyCpu)}`, async () => {
    using two = await load({ sequences: 3 });
    const many = [texts(12, 40), texts(13, 60), texts(14, 30)];
    const wanted = [];
    for (const ids of many) wanted.push(await two.embed(ids));
    const together = await Promise.all(many.map((ids) => two.embed(ids)));
    for (const [i, vectors] of together.entries()) expect(cosine(vectors, wanted[i])).toBeGreaterThan(0.99999);
  });

  test.skipIf(onlyCpu)(
    `texts that are embedded leave a generation its part of the cache${skipped(onlyCpu)}`,
    async () => {
      using two = await load({ sequences: 2, context: 64 });
      const options = { temperature: 0, ignoreEnd: true, maxTokens: 56 };
      const alone = await two.generate([0, 5, 9], options).summary();
      const [together, vectors] = await Promise.all([
        two.generate([0, 5, 9], options).summary(),
        two.embed(texts(20, 64)),
      ]);
      expect(together.ids).toEqual(alone.ids);
      expect(vectors.length).toBe(20 * DIMENSIONS);
    },
  );

  test('an index takes the vectors from the device', async () => {
    const passages = ['a duel in the snow', 'the price of bread', 'In the beginning God created the heaven', 'a ball'];
    using vectors = await model.embedTensor(passages);
    expect(vectors.shape).toEqual([4, DIMENSIONS]);
    using index = FlatIndex.create(device(), { dimensions: DIMENSIONS, metric: 'cosine' });
    await index.add(vectors);
    using query = await model.embedTensor(['In the beginning God created the heaven']);
    const { ids } = await index.search(query, { k: 2 });
    expect(Number(ids[0])).toBe(2);
  });

  test('embedding tells its progress, can be aborted, and names wrong arguments', async () => {
    const seen: number[] = [];
    await model.embed(texts(40, 3), { onProgress: ({ done, total }) => seen.push(done / total) });
    expect(seen[seen.length - 1]).toBe(1);
    const aborted = async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error('no more'));
      const run = model.embed(texts(70, 3), { signal: controller.signal, onProgress });
      await expect(run).rejects.toThrow('no more');
      await expect(model.embed(texts(2, 3))).resolves.toBeInstanceOf(Float32Array);
    };
    await aborted();
    const before = device().memory().liveBytes;
    await aborted();
    await expect.poll(() => device().memory().liveBytes).toBeLessThanOrEqual(before);
    expect(() => model.embed([])).toThrow(/^model.embed: texts must be an array of at least one/);
    expect(() => model.embedTensor([])).toThrow(/^model.embedTensor: texts must be/);
    expect(() => model.embed([[]])).toThrow(/texts\[0\] must have at least 1 token, got none/);
    expect(() => model.embed([[4096]])).toThrow(/texts\[0\]\[0\] must be/);
    expect(() => model.embed(['a'], { pooling: 'max' as 'mean' })).toThrow(/pooling must be/);
    expect(() => model.embed(['a'], { onProgress: 5 as never })).toThrow(/onProgress must be a function, got 5/);
  });
});
