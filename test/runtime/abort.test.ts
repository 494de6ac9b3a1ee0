// What an abort leaves behind: the promise, while the work goes on.
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { abortable, onAbort } from '../../src/runtime/abort.js';

const never = new Promise<never>(() => undefined);

test('work settles as it does where nothing is aborted', async () => {
  const { signal } = new AbortController();
  expect(await abortable(Promise.resolve(1), signal)).toBe(1);
  await expect(abortable(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
});

test('any number of works share one listener on their signal, and only those that wait are told', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  for (let i = 0; i < 20; i++) await abortable(Promise.resolve(i), signal);
  const told: number[] = [];
  const forget = Array.from({ length: 20 }, (_, i) => onAbort(signal, () => told.push(i)));
  for (const one of forget.slice(3)) one();
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  controller.abort();
  expect(told).toEqual([0, 1, 2]);
});

test('an abort rejects with its reason while the work goes on', async () => {
  const controller = new AbortController();
  const left = abortable(never, controller.signal);
  controller.abort('enough');
  await expect(left).rejects.toBe('enough');
});

test('a signal that has aborted rejects at once, whatever the work does', async () => {
  const aborted = AbortSignal.abort('enough');
  await expect(abortable(never, aborted)).rejects.toBe('enough');
  await expect(abortable(Promise.resolve(1), aborted)).rejects.toBe('enough');
  // An unhandled rejection of the work would fail the test run.
  await expect(abortable(Promise.reject(new Error('failed')), aborted)).rejects.toBe('enough');
});
