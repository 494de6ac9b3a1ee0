// One piece of work at a time; what is asked for meanwhile waits in order.
import { abortable } from './abort.js';

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Resolves with what `work` resolves with. Aborted while it waits, it rejects at once with the signal's reason, and
   * `work` is never called; once begun, `work` itself minds its signal.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const result = this.#after(before, work, signal);
    // Whoever comes next waits for both: an aborted wait ends before the work in front of it.
    this.#last = Promise.allSettled([before, result]).then(() => undefined);
    return result;
  }

  async #after<T>(before: Promise<unknown>, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await abortable(before, signal);
    signal?.throwIfAborted();
    return work();
  }
}
