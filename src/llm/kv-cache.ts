// Keys and values of past tokens: pages of 32 tokens in one pool, so that a sequence grows without moving anything.
import type { Device } from '../runtime/device.js';
import { ComputeError } from '../runtime/errors.js';
import type { Tensor } from '../runtime/tensor.js';

export const PAGE_TOKENS = 32;

interface KvCacheShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Tokens that all sequences together may hold. */
  readonly tokens: number;
}

const F16_BYTES = 2;

export const pagesFor = (tokens: number): number => Math.ceil(tokens / PAGE_TOKENS);

/** Device bytes of a cache. */
export function kvCacheBytes({ layers, kvHeads, headSize, tokens }: KvCacheShape): number {
  return 2 * layers * pagesFor(tokens) * PAGE_TOKENS * kvHeads * headSize * F16_BYTES;
}

/** Keys and values of every layer, [page][kv head][32 tokens][head size] in f16, and the list of free pages. */
export class KvCache implements Disposable {
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  readonly pages: number;
  readonly #free: number[];

  private constructor(keys: readonly Tensor[], values: readonly Tensor[], pages: number) {
    this.keys = keys;
    this.values = values;
    this.pages = pages;
    this.#free = Array.from({ length: pages }, (_, page) => pages - 1 - page);
  }

  /** Throws `ComputeError` `OUT_OF_MEMORY`. */
  static allocate(device: Device, shape: KvCacheShape): KvCache {
    const { layers, kvHeads, headSize } = shape;
    const pages = pagesFor(shape.tokens);
    const sides = [pages, kvHeads, PAGE_TOKENS, headSize];
    const bytes = sides.reduce((product, side) => product * side, F16_BYTES);
    if (bytes > device.info.maxBindingBytes) {
      const most = Math.floor((device.info.maxBindingBytes / bytes) * pages) * PAGE_TOKENS;
      throw new ComputeError(
        'UNSUPPORTED',
        `a KV cache of ${shape.tokens} tokens needs ${bytes} bytes a layer, more than ${device.info.name} can bind`,
        {
          suggestion: `use a context of at most ${most} tokens`,
        },
      );
    }
    const allocated: Tensor[] = [];
    try {
      for (let i = 0; i < 2 * layers; i++) allocated.push(device.tensor('f16', sides));
    } catch (error) {
      for (const tensor of allocated) tensor.dispose();
      throw error;
    }
    return new KvCache(allocated.slice(0, layers), allocated.slice(layers), pages);
  }

  get freePages(): number {
    return this.#free.length;
  }

  /** A page that nobody has. The caller has made sure that there is one. */
  take(): number {
    const page = this.#free.pop();
    if (page === undefined) throw new RangeError(`the KV cache has no free page of its ${this.pages}`);
    return page;
  }

  give(pages: readonly number[]): void {
    for (let i = pages.length - 1; i >= 0; i--) this.#free.push(pages[i]);
  }

  dispose(): void {
    for (const tensor of [...this.keys, ...this.values]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
