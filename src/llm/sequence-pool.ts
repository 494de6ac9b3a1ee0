// The sequences of a model: who wants one waits until one is free.
import { onAbort } from '../runtime/abort.js';
import { ComputeError } from '../runtime/errors.js';
import type { KvCache } from './kv-cache.js';
import { Sequence } from './sequence.js';

interface Waiter {
  take(sequence: Sequence): void;
  fail(error: unknown): void;
}

const modelGone = (cause?: unknown) => new ComputeError('DISPOSED', 'the model was disposed of', { cause });

export class SequencePool implements Disposable {
  readonly #free: Sequence[];
  readonly #waiting = new Set<Waiter>();
  #disposed = false;

  constructor(cache: KvCache, count: number) {
    this.#free = Array.from({ length: count }, (_, slot) => new Sequence(cache, slot));
  }

  /** The free sequence that shares most of its beginning with `prompt`. Rejects when aborted while it waits for one. */
  async acquire(prompt: ArrayLike<number> = [], signal?: AbortSignal): Promise<Sequence> {
    signal?.throwIfAborted();
    this.#check();
    let best = -1;
    let longest = -1;
    for (const [i, sequence] of this.#free.entries()) {
      const shared = sequence.sharedPrefix(prompt);
      if (shared > longest) [best, longest] = [i, shared];
    }
    return best >= 0 ? this.#free.splice(best, 1)[0] : this.#wait(signal);
  }

  /** What it has stays in the cache, for a text that begins with it. */
  release(sequence: Sequence): void {
    const [next] = this.#waiting;
    if (next) next.take(sequence);
    else this.#free.push(sequence);
  }

  /** Runs `work` with a sequence. */
  async use<T>(work: (sequence: Sequence) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const sequence = await this.acquire([], signal);
    try {
      this.#check();
      return await work(sequence);
    } catch (error) {
      throw this.reasonOf(error);
    } finally {
      this.release(sequence);
    }
  }

  /** What work with a sequence failed of: where that is something that went with the model, the model itself. */
  reasonOf(error: unknown): unknown {
    const followed = this.#disposed && error instanceof ComputeError && error.code === 'DISPOSED';
    return followed ? modelGone(error) : error;
  }

  /** Who waits, and who comes later, is told that the model is gone. */
  dispose(): void {
    this.#disposed = true;
    for (const { fail } of this.#waiting) fail(modelGone());
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #check(): void {
    if (this.#disposed) throw modelGone();
  }

  #wait(signal: AbortSignal | undefined): Promise<Sequence> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        forget?.();
      };
      const waiter: Waiter = {
        take: (sequence) => {
          leave();
          resolve(sequence);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      this.#waiting.add(waiter);
      const forget = signal && onAbort(signal, () => waiter.fail(signal.reason));
    });
  }
}
