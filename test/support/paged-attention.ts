// A paged cache of keys and values in halves, and attention over it in float64, position by position.
import { type Output, words } from './cases.js';
import type { Random } from './random.js';
import { fromHalf, halvesOf, toHalf } from './weight-tiles.js';

export const PAGE = 32;

export interface CacheShape {
  readonly slots: number;
  readonly pageStride: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

/** Pages lie in any order; what no sequence wrote is NaN. */
export class PagedCache {
  readonly pages: Uint32Array;
  readonly keys: Uint16Array;
  readonly values: Uint16Array;

  constructor(
    readonly shape: CacheShape,
    private readonly random: Random,
  ) {
    const { slots, pageStride, kvHeads, headSize } = shape;
    this.pages = random.permutation(slots * pageStride);
    this.keys = new Uint16Array(slots * pageStride * kvHeads * PAGE * headSize).fill(0x7e00);
    this.values = this.keys.slice();
  }

  /** Of number 0 of a head. */
  at(slot: number, position: number, kvHead: number): number {
    const { pageStride, kvHeads, headSize } = this.shape;
    const page = this.pages[slot * pageStride + Math.floor(position / PAGE)];
    return ((page * kvHeads + kvHead) * PAGE + (position % PAGE)) * headSize;
  }

  /** Random tokens at the first positions of a slot. */
  fill(slot: number, tokens: number): void {
    const { kvHeads, headSize } = this.shape;
    for (let position = 0; position < tokens; position++) {
      for (let head = 0; head < kvHeads; head++) {
        const at = this.at(slot, position, head);
        for (let d = 0; d < headSize; d++) {
          this.keys[at + d] = toHalf(this.random.normal());
          this.values[at + d] = toHalf(this.random.normal());
        }
      }
    }
  }

  read(from: Uint16Array, slot: number, position: number, kvHead: number): number[] {
    const at = this.at(slot, position, kvHead);
    return Array.from(from.subarray(at, at + this.shape.headSize), fromHalf);
  }

  write(to: Uint16Array, at: number, numbers: ArrayLike<number>): void {
    to.set(Uint16Array.from(numbers, toHalf), at);
  }
}

export const asWords = (halves: Uint16Array): Uint32Array =>
  new Uint32Array(halves.buffer, halves.byteOffset, halves.length / 2);

/** A cache's buffer that a kernel may write: `at` are the heads that it has to. */
export function writtenHalves(before: Uint16Array, at: readonly number[], headSize: number): Output {
  const output = words(before.length / 2, { initial: asWords(before) });
  for (const first of at) for (let i = 0; i < headSize; i += 2) output.written((first + i) / 2);
  return output;
}

/** What is wrong with halves that had to come out as `numbers`, by more than their rounding. */
export function wrongHalves(got: Uint16Array, at: number, numbers: ArrayLike<number>): string | undefined {
  for (let i = 0; i < numbers.length; i++) {
    const value = fromHalf(got[at + i]);
    const most = Math.abs(numbers[i]) * 2 ** -10.9 + 2e-5;
    if (!(Math.abs(value - numbers[i]) <= most)) return `half ${at + i} must be ${numbers[i]}, got ${value}`;
  }
  return undefined;
}

export interface Query {
  readonly query: ArrayLike<number>;
  readonly slot: number;
  readonly position: number;
  readonly kvHead: number;
  readonly window: number;
  readonly scale: number;
}

/** softmax(scale q.k) v over all the query sees. */
export function attend(cache: PagedCache, { query, slot, position, kvHead, window, scale }: Query): number[] {
  const first = window === 0 ? 0 : Math.max(0, position + 1 - window);
  const scores: number[] = [];
  for (let token = first; token <= position; token++) {
    const key = cache.read(cache.keys, slot, token, kvHead);
    scores.push(scale * key.reduce((sum, value, d) => sum + value * query[d], 0));
  }
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = scores.map((score) => Math.exp(score - most));
  const total = weights.reduce((a, b) => a + b, 0);
  const sums = new Array<number>(cache.shape.headSize).fill(0);
  for (const [i, weight] of weights.entries()) {
    const value = cache.read(cache.values, slot, first + i, kvHead);
    for (let d = 0; d < sums.length; d++) sums[d] += (weight / total) * value[d];
  }
  return sums;
}

export interface Rotation {
  readonly style: 0 | 1 | 2;
  readonly dims: number;
  /** (cosine, sine) of [position][dims / 2] */
  readonly table: Float32Array;
  readonly epsilon: number;
}

/** A head normed (where there are weights) and turned. */
export function rotate(
  head: ArrayLike<number>,
  position: number,
  rotation: Rotation,
  weights?: Float32Array,
): number[] {
  const { style, dims, table, epsilon } = rotation;
  const squares = Array.from(head).reduce((sum, value) => sum + value * value, 0);
  const x = Array.from(head, (value, d) =>
    weights ? (value / Math.sqrt(squares / head.length + epsilon)) * weights[d] : value,
  );
  if (style === 0) return x;
  const result = x.slice();
  for (let i = 0; i < dims / 2; i++) {
    const [a, b] = style === 1 ? [2 * i, 2 * i + 1] : [i, i + dims / 2];
    const [cosine, sine] = table.subarray(position * dims + 2 * i, position * dims + 2 * i + 2);
    result[a] = x[a] * cosine - x[b] * sine;
    result[b] = x[b] * cosine + x[a] * sine;
  }
  return result;
}

/** A table of random angles: kernels have to read it, not to know it. */
export function randomTable(random: Random, positions: number, dims: number): Float32Array {
  const table = new Float32Array(positions * dims);
  for (let i = 0; i < table.length; i += 2) {
    const angle = 2 * Math.PI * random.uniform();
    table[i] = Math.cos(angle);
    table[i + 1] = Math.sin(angle);
  }
  return table;
}

export { halvesOf };
