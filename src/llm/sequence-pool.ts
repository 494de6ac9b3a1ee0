// The sequences of a model: who wants one waits until one is free.
import type { KvCache } from './kv-cache.js';
import { Sequence } from './sequence.js';

export class SequencePool {
  readonly #free: Sequence[];
  readonly #waiting = new Set<(sequence: Sequence) => void>();

  constructor(cache: KvCache, count: number) {
    this.#free = Array.from({ length: count }, (_, slot) => new Sequence(cache, slot));
  }

  /** The free sequence that shares most of its beginning with `prompt`. Rejects when aborted while it waits for one. */
  acquire(prompt: ArrayLike<number> = [], signal?: AbortSignal): Promise<Sequence> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    let best = -1;
    let longest = -1;
    for (const [i, sequence] of this.#free.entries()) {
      const shared = sequence.sharedPrefix(prompt);
      if (shared > longest) [best, longest] = [i, shared];
    }
    if (best >= 0) return Promise.resolve(this.#free.splice(best, 1)[0]);
    return this.#wait(signal);
  }

  /** What it has stays in the cache, for a text that begins with it. */
  release(sequence: Sequence): void {
    const [next] = this.#waiting;
    if (next) next(sequence);
    else this.#free.push(sequence);
  }

  /** Runs `work` with a sequence. */
  async use<T>(work: (sequence: Sequence) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const sequence = await this.acquire([], signal);
    try {
      return await work(sequence);
    } finally {
      this.release(sequence);
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<Sequence> {
    return new Promise((resolve, reject) => {
      const take = (sequence: Sequence) => {
        this.#waiting.delete(take);
        signal?.removeEventListener('abort', leave);
        resolve(sequence);
      };
      const leave = () => {
        this.#waiting.delete(take);
        reject(signal?.reason);
      };
      this.#waiting.add(take);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
