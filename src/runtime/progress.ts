// How far long work has come.

/** What every `onProgress` is given. */
export interface Progress {
  /** In the unit of the work: bytes, texts, tokens, iterations. */
  readonly done: number;
  readonly total: number;
}
