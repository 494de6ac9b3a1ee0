// What an abort leaves behind: the promise, while the work goes on.
import { expect, test } from 'vitest';
import { abortable } from '../../src/runtime/abort.js';

const never = new Promise<never>(() => undefined);

test('work settles as it does where nothing is aborted, and leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  const listeners: string[] = [];
  signal.removeEventListener = (type: string) => void listeners.push(type);
  expect(await abortable(Promise.resolve(1), signal)).toBe(1);
  await expect(abortable(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
  expect(await abortable(Promise.resolve(2), undefined)).toBe(2);
  expect(listeners).toEqual(['abort', 'abort']);
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
