// How far loading has come, told a few times a second.

export interface LoadProgress {
  readonly bytes: number;
  readonly totalBytes: number;
  /** Since the beginning. */
  readonly bytesPerSecond: number;
  /** Name, in its file, of the tensor that arrived last. */
  readonly tensor: string;
}

const LEAST_MS = 100;

export class ProgressReport {
  readonly #totalBytes: number;
  readonly #listener: ((progress: LoadProgress) => void) | undefined;
  readonly #begin = performance.now();
  #bytes = 0;
  #told = Number.NEGATIVE_INFINITY;

  constructor(totalBytes: number, listener: ((progress: LoadProgress) => void) | undefined) {
    this.#totalBytes = totalBytes;
    this.#listener = listener;
  }

  /** The last byte is always told. */
  add(bytes: number, tensor: string): void {
    this.#bytes += bytes;
    const now = performance.now();
    if (!this.#listener || (now - this.#told < LEAST_MS && this.#bytes < this.#totalBytes)) return;
    this.#told = now;
    const bytesPerSecond = this.#bytes / Math.max(1e-6, (now - this.#begin) / 1000);
    this.#listener({ bytes: this.#bytes, totalBytes: this.#totalBytes, bytesPerSecond, tensor });
  }
}
