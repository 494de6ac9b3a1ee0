// Long work on the host, in pieces: the event loop goes on between them.
const TURN_MILLIS = 4;

/** Lets the event loop go on once in a few milliseconds of computing. */
export class Turns {
  #since = performance.now();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async pause(): Promise<void> {
    if (performance.now() - this.#since < TURN_MILLIS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#signal?.throwIfAborted();
    this.#since = performance.now();
  }
}
