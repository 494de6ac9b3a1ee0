// PQ indexer: product-quantized keys that tell which positions of a long context an attention head should read.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import { Mutex } from '../runtime/mutex.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkBoolean, checkRunOptions } from '../runtime/validate.js';
import { checkUsable } from './disposal.js';
import { unpackRows } from './packed-rows.js';
import { headRanges, PqHeads, roomFor } from './pq-heads.js';
import { checkIndexer, type PqIndexerOptions, type PqIndexerShape } from './pq-indexer-options.js';
import { PqStep, type StepInputs } from './pq-step.js';
import { countVectors, type VectorInput } from './vector-input.js';

export type { PqIndexerOptions } from './pq-indexer-options.js';

export interface PqNextOptions extends AbortOptions {
  /** Also give dense weights. Default false. */
  weights?: boolean | undefined;
}

/** Which positions to attend to. */
export interface SparseList {
  /** Positions in ascending order, [batch, heads, sparseLength]; heads are query heads, or KV heads if grouped by them. */
  readonly sparseList: Uint32Array;
  /** Positions of each head: sink + heavy + window, or all keys where it is dense. */
  readonly sparseLength: number;
  readonly heads: number;
  /** Keys of each head, the new ones included. */
  readonly keyCount: number;
  /** There were too few keys for a choice, so the list has all of them. */
  readonly dense: boolean;
  /** [batch, heads, keyCount]: 1 at the list's positions, 0 elsewhere. */
  readonly weights?: Float32Array;
}

/** Shapes of input that stay recorded. */
const MAX_STEPS = 4;

/**
 * Chooses the positions that sparse attention reads: the first ones, the last ones, and those of the greatest scores in
 * between. Each key's sub-vectors are codes of small codebooks, so that a query's score of a key is a few table look-ups
 * (PQCache, Zhang et al., SIGMOD 2025). The choice is exact over the scores; ties go to the lower position.
 *
 * @example
 * using device = await Device.open();
 * using indexer = PqIndexer.create(device, { queryHeads: 8, kvHeads: 2, dimensions: 64, sink: 4, heavy: 32, window: 16 });
 * const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
 * await indexer.first(random(2 * 1000 * 64)); // [batch, kvHeads, keys, dimensions]
 * const { sparseList, sparseLength } = await indexer.next(random(8 * 64), random(2 * 64));
 */
export class PqIndexer implements Disposable {
  readonly device: Device;
  readonly #shape: PqIndexerShape;
  readonly #mutex = new Mutex();
  #heads: PqHeads[] = [];
  #steps: PqStep[] = [];
  #keyCount = 0;
  #started = false;
  #list: Tensor | undefined;
  #disposed = false;

  private constructor(token: Token, device: Device, shape: PqIndexerShape) {
    checkToken(token, 'PqIndexer', 'PqIndexer.create');
    this.device = device;
    this.#shape = shape;
  }

  /** An indexer without keys; `first` gives it some. */
  static create(device: Device, options: PqIndexerOptions): PqIndexer {
    const where = 'PqIndexer.create';
    checkDevice(where, device);
    return new PqIndexer(TOKEN, device, checkIndexer(where, options));
  }

  /** Keys of each head. */
  get keyCount(): number {
    return this.#keyCount;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The last sparse list on the device, u32, good until the next call of `next`; undefined where it was dense. */
  get listTensor(): Tensor | undefined {
    return this.#list;
  }

  /**
   * Trains the codebooks of every head on `keys` [batch, kvHeads, keys, dimensions], in one submission, and encodes them.
   * What the indexer knew before is replaced. There must be at least `heavy` keys.
   */
  first(keys: VectorInput, options: AbortOptions = {}): Promise<void> {
    const where = 'PqIndexer.first';
    checkUsable(where, this);
    checkRunOptions(where, options, ['signal']);
    const { heavy } = this.#shape;
    const count = this.#countPerHead(where, 'keys', keys, this.#shape.allKvHeads);
    if (count < heavy) throw new RangeError(`${where}: keys must be at least heavy = ${heavy} a head, got ${count}`);
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    this.#started = true;
    return this.#mutex.run(() => this.#first(where, keys, count, options.signal), options.signal);
  }

  async #first(where: string, keys: VectorInput, count: number, signal?: AbortSignal): Promise<void> {
    checkUsable(where, this);
    const heads: PqHeads[] = [];
    try {
      for (const range of headRanges(this.device, this.#shape, count)) {
        heads.push(new PqHeads(this.device, this.#shape, range, roomFor(count)));
        await heads.at(-1)?.train(where, keys, count, signal);
      }
      checkUsable(where, this);
    } catch (error) {
      for (const part of heads) part.dispose();
      throw error;
    }
    this.#forgetSteps();
    for (const part of this.#heads) part.dispose();
    this.#heads = heads;
    this.#keyCount = count;
  }

  /**
   * Appends `newKeys` [batch, kvHeads, n, dimensions] under the trained codebooks and says which positions `queries`
   * [batch, queryHeads, m, dimensions] should read; several queries share a list by the sum of their scores. Where there
   * are no more keys than heavy + initOffset + m + 2^bits, or than the list has places, it has all of them. Numbers of a
   * Float32Array must be finite; tensors are taken as they are. Calls are done in order:
   * one that is aborted while it waits changes nothing; once it has begun, its keys are in all the same.
   */
  next(queries: VectorInput, newKeys?: VectorInput, options: PqNextOptions = {}): Promise<SparseList> {
    const where = 'PqIndexer.next';
    checkUsable(where, this);
    checkRunOptions(where, options, ['weights', 'signal']);
    const { weights = false, signal } = options;
    checkBoolean(where, 'weights', weights);
    if (!this.#started) throw new TypeError(`${where}: first must be called before`);
    const { batch, queryHeads, allKvHeads } = this.#shape;
    const queryCount = this.#countPerHead(where, 'queries', queries, batch * queryHeads);
    const keyCount = newKeys === undefined ? 0 : this.#countPerHead(where, 'newKeys', newKeys, allKvHeads);
    checkFinite(where, 'queries', queries);
    if (newKeys !== undefined) checkFinite(where, 'newKeys', newKeys);
    const inputs = { queries, newKeys, queryCount, keyCount };
    return this.#mutex.run(() => this.#next(where, inputs, weights, signal), signal);
  }

  async #next(where: string, inputs: StepInputs, weights: boolean, signal?: AbortSignal): Promise<SparseList> {
    checkUsable(where, this);
    if (this.#heads.length === 0) throw new TypeError(`${where}: first must have succeeded before`);
    const { listHeads, listLength, heavy, initOffset, codewords } = this.#shape;
    const keys = this.#keyCount + inputs.keyCount;
    await this.#reserve(keys);
    const dense = keys <= Math.max(listLength, heavy + initOffset + inputs.queryCount + codewords);
    const step = await this.#step(inputs, dense);
    // The codes change even where the caller no longer waits for the result.
    this.#keyCount = keys;
    this.#list = step.list;
    const chosen = await step.run(inputs, keys, signal);
    const sparseList = chosen ?? everyPosition(listHeads, keys);
    const sparseLength = dense ? keys : listLength;
    const result = { sparseList, sparseLength, heads: listHeads / this.#shape.batch, keyCount: keys, dense };
    return weights ? { ...result, weights: denseWeights(sparseList, { sparseLength, listHeads, keys }) } : result;
  }

  /** Room for `keys` keys: half as many again each time, so appending costs a constant share. */
  async #reserve(keys: number): Promise<void> {
    const capacity = Math.min(...this.#heads.map((part) => part.capacity));
    if (keys <= capacity) return;
    this.#forgetSteps();
    const larger = roomFor(Math.max(keys, Math.ceil(capacity * 1.25)));
    for (const part of this.#heads) if (part.capacity < larger) await part.grow(larger);
  }

  async #step(inputs: StepInputs, dense: boolean): Promise<PqStep> {
    const known = this.#steps.find((step) => step.suits(inputs, dense));
    if (known !== undefined) return known;
    const step = await PqStep.record(this.device, this.#shape, this.#heads, { inputs, dense });
    this.#steps.unshift(step);
    for (const old of this.#steps.splice(MAX_STEPS)) old.dispose();
    return step;
  }

  #forgetSteps(): void {
    for (const step of this.#steps) step.dispose();
    this.#steps = [];
    this.#list = undefined;
  }

  /** The codebooks, [batch, kvHeads, subspaces, 2^bits, width]; width = dimensions / subspaces, one more if augmented. */
  codebooks(): Promise<Float32Array> {
    const where = 'PqIndexer.codebooks';
    checkUsable(where, this);
    return this.#mutex.run(async () => {
      checkUsable(where, this);
      const { codewords, width, subspaces, allKvHeads } = this.#shape;
      const all = new Float32Array(this.#heads.length === 0 ? 0 : allKvHeads * subspaces * codewords * width);
      for (const { codebooks, layout, range } of this.#heads) {
        const rows = await unpackRows(this.device, { tensor: codebooks, rows: codewords, layout });
        const first = range.first * subspaces;
        for (let p = 0; p < layout.subspaces; p++)
          for (let k = 0; k < codewords; k++) {
            const from = (k * layout.subspaces + p) * width;
            all.set(rows.subarray(from, from + width), ((first + p) * codewords + k) * width);
          }
      }
      return all;
    });
  }

  /** The codes, a byte each, [batch, kvHeads, subspaces, keys]. */
  codes(): Promise<Uint8Array> {
    const where = 'PqIndexer.codes';
    checkUsable(where, this);
    return this.#mutex.run(async () => {
      checkUsable(where, this);
      const { subspaces, allKvHeads } = this.#shape;
      const all = new Uint8Array(allKvHeads * subspaces * this.#keyCount);
      for (const { codes, capacity, layout, range } of this.#heads) {
        const words = (await codes.read()) as Uint32Array;
        const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
        for (let p = 0; p < layout.subspaces; p++) {
          const own = bytes.subarray(p * capacity, p * capacity + this.#keyCount);
          all.set(own, (range.first * subspaces + p) * this.#keyCount);
        }
      }
      return all;
    });
  }

  /** Calls in flight reject with `DISPOSED` or complete. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forgetSteps();
    for (const part of this.#heads) part.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #countPerHead(where: string, name: string, vectors: VectorInput, heads: number): number {
    const count = countVectors(where, name, vectors, { device: this.device, dimensions: this.#shape.dimensions });
    if (count % heads !== 0)
      throw new RangeError(`${where}: ${name} must hold equally many vectors for each of ${heads} heads, got ${count}`);
    return count / heads;
  }
}

function checkFinite(where: string, name: string, vectors: VectorInput): void {
  if (!(vectors instanceof Float32Array)) return;
  // Zero times a number that is not finite is NaN; four sums do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0];
  const even = vectors.length - (vectors.length % 4);
  for (let i = 0; i < even; i += 4) {
    a += vectors[i] * 0;
    b += vectors[i + 1] * 0;
    c += vectors[i + 2] * 0;
    d += vectors[i + 3] * 0;
  }
  for (let i = even; i < vectors.length; i++) a += vectors[i] * 0;
  if (a + b + c + d !== 0) {
    const place = vectors.findIndex((value) => !Number.isFinite(value));
    throw new RangeError(`${where}: ${name} must hold finite numbers, got ${vectors[place]} at ${place}`);
  }
}

function everyPosition(heads: number, keys: number): Uint32Array {
  return Uint32Array.from({ length: heads * keys }, (_, i) => i % keys);
}

function denseWeights(
  list: Uint32Array,
  { sparseLength, listHeads, keys }: { sparseLength: number; listHeads: number; keys: number },
): Float32Array {
  const weights = new Float32Array(listHeads * keys);
  for (let i = 0; i < list.length; i++) weights[Math.floor(i / sparseLength) * keys + list[i]] = 1;
  return weights;
}
