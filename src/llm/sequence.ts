// One text in the KV cache: which tokens have their keys and values there, and in which pages.
import { type KvCache, PAGE_TOKENS, pagesFor } from './kv-cache.js';

export class Sequence {
  /** Row of the page table and of the sampling state. */
  readonly slot: number;
  /** Tokens whose keys and values are in the cache, in order. */
  readonly ids: number[] = [];
  readonly #cache: KvCache;
  readonly #pages: number[] = [];

  constructor(cache: KvCache, slot: number) {
    this.#cache = cache;
    this.slot = slot;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Tokens that the pages taken so far have room for. */
  get capacity(): number {
    return this.#pages.length * PAGE_TOKENS;
  }

  /** Takes pages until `tokens` fit. Returns the page table's row when it changed. */
  reserve(tokens: number): Uint32Array | undefined {
    if (tokens <= this.capacity) return undefined;
    for (const needed = pagesFor(tokens); this.#pages.length < needed; ) this.#pages.push(this.#cache.take());
    return Uint32Array.from(this.#pages);
  }

  /** How many of `ids` from the first on are in the cache already. */
  sharedPrefix(ids: ArrayLike<number>): number {
    const most = Math.min(this.ids.length, ids.length);
    let shared = 0;
    while (shared < most && this.ids[shared] === ids[shared]) shared++;
    return shared;
  }

  /** Forgets the tokens from `length` on and gives back the pages that only they used. */
  truncate(length: number): void {
    this.ids.length = Math.min(length, this.ids.length);
    this.#cache.give(this.#pages.splice(pagesFor(this.ids.length)));
  }
}
