// How far loading has come, told a few times a second.
import type { Progress } from '../runtime/progress.js';

/** `done` and `total` are bytes. */
export interface LoadProgress extends Progress {
  /** Since the beginning. */
  readonly bytesPerSecond: number;
  /** Name, in its file, of the tensor that arrived last. */
  readonly tensor: string;
}

const LEAST_MS = 100;

export class ProgressReport {
  readonly #total: number;
  readonly #listener: ((progress: LoadProgress) => void) | undefined;
  readonly #now: () => number;
  readonly #begin: number;
  #done = 0;
  #told = Number.NEGATIVE_INFINITY;

  /** `now` is a clock of milliseconds. */
  constructor(
    total: number,
    listener: ((progress: LoadProgress) => void) | undefined,
    now: () => number = () => performance.now(),
  ) {
    this.#total = total;
    this.#listener = listener;
    this.#now = now;
    this.#begin = now();
  }

  /** The last byte is always told. */
  add(bytes: number, tensor: string): void {
    this.#done += bytes;
    const now = this.#now();
    if (!this.#listener || (now - this.#told < LEAST_MS && this.#done < this.#total)) return;
    this.#told = now;
    const bytesPerSecond = this.#done / Math.max(1e-6, (now - this.#begin) / 1000);
    this.#listener({ done: this.#done, total: this.#total, bytesPerSecond, tensor });
  }
}
