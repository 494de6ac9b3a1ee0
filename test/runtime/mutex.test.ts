// One at a time and in order, also when some of those who wait give up.
import { expect, test } from 'vitest';
import { Mutex } from '../../src/runtime/mutex.js';

/** A mutex whose first work runs until `release` is called. */
function held() {
  const mutex = new Mutex();
  const log: string[] = [];
  let release = () => {};
  const first = mutex.run(async () => {
    log.push('first begins');
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    log.push('first ends');
  });
  const append = (name: string) => async () => void log.push(name);
  return { mutex, log, first, append, release: () => release() };
}

/** As many turns of the microtask queue as anything here takes, and one of the event loop. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('work runs one after the other, in the order of the calls', async () => {
  const { mutex, log, append, release } = held();
  const others = [mutex.run(append('second')), mutex.run(append('third'))];
  await turn();
  expect(log).toEqual(['first begins']);
  release();
  await Promise.all(others);
  expect(log).toEqual(['first begins', 'first ends', 'second', 'third']);
});

test('work that fails rejects its own call and lets the next begin', async () => {
  const mutex = new Mutex();
  const failed = mutex.run(() => Promise.reject(new Error('failed')));
  expect(await mutex.run(async () => 7)).toBe(7);
  await expect(failed).rejects.toThrow('failed');
});

test('an abort while waiting rejects at once, and the work is never called', async () => {
  const { mutex, log, append, release, first } = held();
  const controller = new AbortController();
  const aborted = mutex.run(append('aborted'), controller.signal);
  controller.abort('enough');
  await expect(aborted).rejects.toBe('enough');
  expect(log).toEqual(['first begins']);
  release();
  await first;
  await mutex.run(append('next'));
  expect(log).toEqual(['first begins', 'first ends', 'next']);
});

test('a signal that has aborted rejects at once, and the work is never called', async () => {
  const { mutex, log, append } = held();
  await expect(mutex.run(append('aborted'), AbortSignal.abort('enough'))).rejects.toBe('enough');
  expect(log).not.toContain('aborted');
});

test('who comes after an aborted wait still waits for the work in front of it', async () => {
  const { mutex, log, append, release } = held();
  const controller = new AbortController();
  const aborted = mutex.run(append('aborted'), controller.signal);
  const last = mutex.run(append('last'));
  controller.abort('enough');
  await expect(aborted).rejects.toBe('enough');
  await turn();
  expect(log).toEqual(['first begins']);
  release();
  await last;
  expect(log).toEqual(['first begins', 'first ends', 'last']);
});

test('work that has begun settles by itself, whatever its signal does', async () => {
  const mutex = new Mutex();
  const controller = new AbortController();
  const run = mutex.run(async () => {
    controller.abort('enough');
    await turn();
    return 7;
  }, controller.signal);
  expect(await run).toBe(7);
});
