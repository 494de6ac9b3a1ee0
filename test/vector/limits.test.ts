// Small bindings, full memory and aborted work: the same results, or none and an index as it was before.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Device, Tensor } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';
import { type AnyIndex, DIMENSIONS, INDEX_KINDS, slice, TRAINED_KINDS, vectorsOf } from './index-kinds.js';

const folder = mkdtempSync(join(tmpdir(), 'wavetile-limits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'an.index');

const training = vectorsOf(400, 1);
const queries = vectorsOf(40, 2);

const outOfMemory = expect.objectContaining({ code: 'OUT_OF_MEMORY' });

/** What searches give: of many and of few neighbours, for one query and for all. */
async function answers(index: AnyIndex) {
  const results = [];
  for (const k of [1, 10, 300]) results.push(await index.search(queries, { k }));
  results.push(await index.search(slice(queries, 0, 1)));
  return results;
}

/** Device memory that is in use once everything asked for before has ended. */
async function liveBytes(device: Device): Promise<number> {
  using last = device.tensor('f32', [1]);
  await last.read();
  last.dispose();
  return device.memory().liveBytes;
}

/** Takes all of a device's free memory but a few KiB. */
function fillMemory(device: Device): Tensor[] {
  const taken: Tensor[] = [];
  try {
    for (;;) taken.push(device.tensor('u8', [16 << 10]));
  } catch {
    return taken;
  }
}

describeDevices('limits', (device, backend) => {
  describe.each(INDEX_KINDS)('of a $name', (kind) => {
    test('with small bindings it is stored in segments and finds the same', async () => {
      const maxBindingBytes = 64 << 10;
      const vectors = vectorsOf(6000, 3);
      using empty = await kind.create(device(), training);
      await empty.save(path);
      using small = await backend.open({ maxBindingBytes });
      using divided = await kind.load(small, path);
      using whole = await kind.load(device(), path);
      for (const [first, end] of [
        [0, 100],
        [100, 5000],
        [5000, 6000],
      ]) {
        await divided.add(slice(vectors, first, end));
        await whole.add(slice(vectors, first, end));
        expect(await answers(divided)).toEqual(await answers(whole));
      }
      expect(divided.stats().storageBytes).toBeGreaterThan(maxBindingBytes);
      await divided.save(path);
      const saved = readFileSync(path);
      await whole.save(path);
      expect(saved.equals(readFileSync(path))).toBe(true);
      using loaded = await kind.load(small, path);
      expect(await answers(loaded)).toEqual(await answers(whole));
    });

    test('more vectors than memory holds are refused, and the index is as it was', async () => {
      using small = await backend.open({ memoryLimitBytes: 2 << 20 });
      using index = await kind.create(small, training);
      await index.add(slice(training, 0, 300));
      const before = await answers(index);
      const many = vectorsOf(120_000, 4);
      await expect(index.add(many)).rejects.toEqual(outOfMemory);
      expect(index.count).toBe(300);
      expect(await answers(index)).toEqual(before);
      await index.add(slice(training, 300, 400));
      using other = await kind.create(small, training);
      await other.add(training);
      expect(await answers(index)).toEqual(await answers(other));
    });

    test('an add that is aborted half-way leaves no trace', async () => {
      using small = await backend.open({ memoryLimitBytes: 3 << 20 });
      using index = await kind.create(small, training);
      await index.add(slice(training, 0, 77));
      await index.save(path);
      const saved = readFileSync(path);
      const before = await answers(index);
      const controller = new AbortController();
      const steps: { done: number; total: number }[] = [];
      const onProgress = (progress: { done: number; total: number }) => {
        steps.push(progress);
        controller.abort(new Error('enough'));
      };
      const adding = index.add(vectorsOf(20_000, 5), { signal: controller.signal, onProgress });
      await expect(adding).rejects.toThrow('enough');
      expect(steps).toEqual([{ done: expect.any(Number), total: 20_000 }]);
      expect(steps[0].done).toBeLessThan(20_000);
      expect(index.count).toBe(77);
      expect(await answers(index)).toEqual(before);
      await index.save(path);
      expect(saved.equals(readFileSync(path))).toBe(true);

      await index.add(slice(training, 77, 400));
      using other = await kind.create(small, training);
      await other.add(slice(training, 0, 77));
      await other.add(slice(training, 77, 400));
      expect(await answers(index)).toEqual(await answers(other));
    });

    test('an add that was aborted before it began, or whose progress throws, changes nothing', async () => {
      using index = await kind.create(device(), training);
      const signal = AbortSignal.abort(new Error('never began'));
      await expect(index.add(training, { signal })).rejects.toThrow('never began');
      const onProgress = () => {
        throw new Error('from the callback');
      };
      await expect(index.add(training, { onProgress })).rejects.toThrow('from the callback');
      expect(index.count).toBe(0);
      await index.add(training);
      expect(index.count).toBe(400);
    });

    test('searches and adds leave no device memory behind', async () => {
      const before = await liveBytes(device());
      for (let i = 0; i < 2; i++) {
        using index = await kind.create(device(), training);
        await index.add(training);
        await index.search(queries);
        await index.add(slice(training, 0, 1));
        await expect(index.add(new Float32Array(DIMENSIONS).fill(Infinity))).rejects.toThrow(/vector 0/);
        await index.search(queries);
      }
      expect(await liveBytes(device())).toBeLessThanOrEqual(before);
    });

    test('searches and adds with too little memory are refused, and go on when there is some again', async () => {
      using small = await backend.open({ memoryLimitBytes: 1 << 20 });
      using index = await kind.create(small, training);
      await index.add(training);
      const expected = await index.search(queries);
      for (let round = 0; round < 2; round++) {
        const hogs = fillMemory(small);
        const searches = Array.from({ length: 20 }, (_, i) => index.search(queries, { k: 2029 + i }));
        for (const result of await Promise.allSettled(searches))
          expect(result).toEqual({ status: 'rejected', reason: outOfMemory });
        await expect(index.add(training)).rejects.toEqual(outOfMemory);
        for (const hog of hogs) hog.dispose();
        expect(await index.search(queries)).toEqual(expected);
        expect((await index.search(queries, { k: 2048 })).count).toBe(40);
      }
      await index.add(slice(training, 0, 100));
      expect(index.count).toBe(500);
    });
  });

  describe.each(TRAINED_KINDS)('of training a $name', (kind) => {
    test('aborting rejects with the reason and frees the memory', async () => {
      const before = await liveBytes(device());
      const controller = new AbortController();
      const onProgress = () => controller.abort(new Error('enough'));
      const options = { signal: controller.signal, onProgress };
      await expect(kind.create(device(), training, options)).rejects.toThrow('enough');
      expect(await liveBytes(device())).toBeLessThanOrEqual(before);
    });

    test('vectors that do not fit are streamed, and what cannot fit at all is refused', async () => {
      using small = await backend.open({ memoryLimitBytes: 1 << 20 });
      const many = vectorsOf(30_000, 6);
      using index = await kind.create(small, many);
      await index.add(training);
      expect((await index.search(queries)).count).toBe(40);
      using tiny = await backend.open({ memoryLimitBytes: 8 << 10 });
      await expect(kind.create(tiny, many)).rejects.toEqual(outOfMemory);
    });
  });
});
