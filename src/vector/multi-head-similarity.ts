// Multi-head similarity: how well queries match keys, as the mean over learned projections of their dot products.
import { type AbortOptions, abortable } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkRunOptions } from '../runtime/validate.js';
import { checkUsable } from './disposal.js';
import {
  type HeadModel,
  padRows,
  padWeights,
  projectedLength,
  rowChunks,
  transposeWeights,
} from './head-projection.js';
import { hostRows, projectKeys, SLICE_BYTES } from './key-projection.js';
import { MAX_K } from './search-index.js';
import { type CheckedModel, checkModel, type MultiHeadSimilarityOptions } from './similarity-options.js';
import type { SimilarityTensors } from './similarity-plan.js';
import { SimilarityPlans } from './similarity-plans.js';
import { countVectors, type VectorInput } from './vector-input.js';

export type { MultiHeadSimilarityOptions };

export interface ScoreOptions extends AbortOptions {
  /** Row-major keys for this call only. Default: those of `setKeys`. */
  keys?: VectorInput | undefined;
}

export interface TopKeysOptions extends ScoreOptions {
  /** Keys for each query, 1 to 2048. Default 10. */
  k?: number | undefined;
}

/** The best keys of `count` queries, row-major [count × k], best first. */
export interface TopKeys {
  readonly count: number;
  readonly k: number;
  /** Numbers of the keys; 0xFFFFFFFF where there are fewer than k. */
  readonly ids: Uint32Array;
  /** -Infinity where there are fewer than k. */
  readonly scores: Float32Array;
}

/** Share of the free device memory that one run may take. */
const MEMORY_SHARE = 1 / 4;

/** What a call scores against. */
interface Keys {
  readonly count: number;
  readonly tensors: SimilarityTensors;
  /** To be uploaded with the run. */
  readonly upload?: Float32Array | undefined;
}

interface Wanted {
  readonly count: number;
  /** 0: all scores. */
  readonly k: number;
}

/**
 * Scores of queries against keys: both sides are projected by their weights, and a score is the mean over heads of the
 * heads' dot products, divided by the temperature. Each is a matrix product on the device; no pair is computed by itself.
 *
 * @example
 * using device = await Device.open();
 * const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
 * const [queryWeights, keyWeights] = [random(64 * 64), random(64 * 64)]; // four heads of 16 rows
 * const model = { dimensions: 64, heads: 4, queryWeights, keyWeights };
 * using reranker = await MultiHeadSimilarity.create(device, model);
 * const candidates = random(200 * 64); // such as the vectors that an index found
 * const { ids, scores } = await reranker.topK(random(64), { keys: candidates, k: 10 });
 */
export class MultiHeadSimilarity implements Disposable {
  readonly device: Device;
  /** Numbers in a query and in a key. */
  readonly dimensions: number;
  readonly heads: number;
  /** Numbers in a head's part of a projected vector. */
  readonly headDimensions: number;
  /** Dot products are divided by it. */
  readonly temperature: number;
  /** Whether each head's vectors are scaled to length 1. */
  readonly normalize: boolean;
  readonly #model: HeadModel;
  readonly #plans: SimilarityPlans;
  #keys: { count: number; projected: Tensor } | undefined;
  #disposed = false;

  private constructor(token: Token, model: HeadModel, temperature: number) {
    checkToken(token, 'MultiHeadSimilarity', 'MultiHeadSimilarity.create');
    this.device = model.device;
    this.dimensions = model.shape.dimensions;
    this.heads = model.shape.heads;
    this.headDimensions = model.shape.headDimensions;
    this.temperature = temperature;
    this.normalize = model.shape.normalize;
    this.#model = model;
    this.#plans = new SimilarityPlans(model);
  }

  /**
   * Puts the weights on the device.
   *
   * @throws {TypeError|RangeError} wrong options, shapes that disagree, weights with NaN or infinity
   * @throws {ComputeError} `OUT_OF_MEMORY`, `DEVICE_LOST`
   */
  static create(device: Device, options: MultiHeadSimilarityOptions): Promise<MultiHeadSimilarity> {
    const where = 'MultiHeadSimilarity.create';
    checkDevice(where, device);
    return MultiHeadSimilarity.#create(device, checkModel(where, options), options);
  }

  static async #create(
    device: Device,
    { shape, temperature }: CheckedModel,
    options: MultiHeadSimilarityOptions,
  ): Promise<MultiHeadSimilarity> {
    const weights = [padWeights(options.queryWeights, shape), padWeights(options.keyWeights, shape)] as const;
    const arrays = shape.normalize ? weights : [...weights, transposeWeights(weights[1], shape)];
    const tensors: Tensor[] = [];
    try {
      for (const array of arrays) tensors.push(await device.tensorFrom(array));
      const [queryWeights, keyWeights, foldedWeights] = tensors as [Tensor, Tensor, Tensor?];
      const scale = 1 / (shape.heads * temperature);
      const model = { device, shape, queryWeights, keyWeights, foldedWeights, scale };
      return new MultiHeadSimilarity(TOKEN, model, temperature);
    } catch (error) {
      for (const tensor of tensors) tensor.dispose();
      throw error;
    }
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Keys that `setKeys` has put on the device. */
  get keyCount(): number {
    return this.#keys?.count ?? 0;
  }

  /**
   * Projects keys (row-major) and keeps them on the device for later calls, in place of earlier ones. When it rejects,
   * those stay.
   */
  setKeys(keys: VectorInput, options: AbortOptions = {}): Promise<void> {
    const where = 'MultiHeadSimilarity.setKeys';
    checkUsable(where, this);
    checkRunOptions(where, options, ['signal']);
    return this.#setKeys(where, keys, this.#countKeys(where, keys), options.signal);
  }

  /** All scores of the queries (row-major), [queries × keys]. Arrays must not change before the promise settles. */
  score(queries: VectorInput, options: ScoreOptions = {}): Promise<Float32Array> {
    const where = 'MultiHeadSimilarity.score';
    const count = this.#checkCall(where, queries, options, ['keys', 'signal']);
    const { keys, signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return abortable(
      this.#scores(where, queries, { count, k: 0 }, keys).then(({ scores }) => scores),
      signal,
    );
  }

  /** The best keys of each query; of equal scores the earlier key comes first. */
  topK(queries: VectorInput, options: TopKeysOptions = {}): Promise<TopKeys> {
    const where = 'MultiHeadSimilarity.topK';
    const count = this.#checkCall(where, queries, options, ['keys', 'k', 'signal']);
    const { k = 10, keys, signal } = options;
    checkInteger(where, 'k', k, { min: 1, max: MAX_K });
    if (signal?.aborted) return Promise.reject(signal.reason);
    return abortable(this.#scores(where, queries, { count, k }, keys), signal);
  }

  #checkCall(where: string, queries: VectorInput, options: ScoreOptions, known: readonly string[]): number {
    checkUsable(where, this);
    checkRunOptions(where, options, known);
    const count = countVectors(where, 'queries', queries, this);
    if (options.keys !== undefined) this.#countKeys(where, options.keys);
    else if (this.#keys === undefined) throw new TypeError(`${where}: keys must be given, or set before by setKeys`);
    return count;
  }

  #countKeys(where: string, keys: VectorInput): number {
    const count = countVectors(where, 'keys', keys, this);
    const most = Math.floor(this.device.info.maxBindingBytes / (projectedLength(this.#model.shape) * 4));
    if (count > most)
      throw new RangeError(`${where}: keys must be at most ${most} vectors on this device, got ${count}`);
    return count;
  }

  async #setKeys(where: string, keys: VectorInput, count: number, signal?: AbortSignal): Promise<void> {
    const projected = await projectKeys(where, this.#model, keys, signal);
    if (this.#disposed) projected.dispose();
    checkUsable(where, this);
    this.#plans.clear();
    this.#keys?.projected.dispose();
    this.#keys = { count, projected };
  }

  async #scores(where: string, queries: VectorInput, wanted: Wanted, given?: VectorInput): Promise<TopKeys> {
    const kept = this.#keys;
    if (given === undefined && kept !== undefined)
      return this.#runs(where, queries, wanted, { count: kept.count, tensors: { projectedKeys: kept.projected } });
    const vectors = given as VectorInput;
    const count = vectors.length / this.dimensions;
    if (this.#rowsPerRun(count, wanted.k, true) >= wanted.count) {
      const keys = this.#bindable(vectors);
      const upload = keys === undefined ? padRows(await hostRows(vectors), this.dimensions) : undefined;
      return this.#runs(where, queries, wanted, { count, tensors: { keys }, upload });
    }
    using projectedKeys = await projectKeys(where, this.#model, vectors);
    return await this.#runs(where, queries, wanted, { count, tensors: { projectedKeys } });
  }

  /** As many runs as the device's memory asks for. */
  async #runs(where: string, queries: VectorInput, { count, k }: Wanted, keys: Keys): Promise<TopKeys> {
    const withKeys = keys.tensors.projectedKeys === undefined;
    const step = Math.min(count, Math.max(1, this.#rowsPerRun(keys.count, k, withKeys)));
    const tensors = { ...keys.tensors, queries: step === count ? this.#bindable(queries) : undefined };
    // Both are recorded before the first wait: `setKeys` may free the kept keys at any time after it.
    const lease = (rows: number) =>
      this.#plans.lease({ queries: rows, keys: keys.count, k }, tensors, withKeys ? undefined : this.#keys?.projected);
    const rest = count % step;
    using full = lease(step);
    using last = rest === 0 ? undefined : lease(rest);
    const width = k === 0 ? keys.count : k;
    const scores = new Float32Array(count * width);
    const ids = new Uint32Array(k === 0 ? 0 : scores.length);
    const [fullPlan, lastPlan] = await Promise.all([full.plan, (last ?? full).plan]);
    const rows = tensors.queries === undefined ? await hostRows(queries) : undefined;
    for (let first = 0; first < count; first += step) {
      const end = Math.min(count, first + step);
      const slice = rows?.subarray(first * this.dimensions, end * this.dimensions);
      const input = { queries: slice && padRows(slice, this.dimensions), keys: keys.upload, first };
      const plan = end - first === step ? fullPlan : lastPlan;
      const found = await plan.run(where, input, scores.subarray(first * width, end * width));
      if (found.ids !== undefined) ids.set(found.ids, first * width);
    }
    return { count, k, ids, scores };
  }

  /** A tensor that kernels can read as it is. */
  #bindable(vectors: VectorInput): Tensor | undefined {
    if (!(vectors instanceof Tensor) || this.dimensions % 4 !== 0) return undefined;
    return vectors.byteOffset % this.device.info.bindingAlignment === 0 ? vectors : undefined;
  }

  /** Queries that one run can take; 0 when the keys are too many to go with them. */
  #rowsPerRun(keys: number, k: number, withKeys: boolean): number {
    const rawBytes = rowChunks(this.#model.shape) * 16;
    const rowBytes = rawBytes + projectedLength(this.#model.shape) * 4;
    const { maxBindingBytes } = this.device.info;
    if (withKeys && keys * rawBytes > Math.min(maxBindingBytes, SLICE_BYTES)) return 0;
    const budget = this.device.memory().freeBytes * MEMORY_SHARE - (withKeys ? keys * rowBytes : 0);
    const byMemory = budget / (rowBytes + (keys + k * 3) * 4);
    return Math.max(0, Math.floor(Math.min(byMemory, maxBindingBytes / (keys * 4), maxBindingBytes / rowBytes)));
  }

  /** Frees weights and keys on the device. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#plans.clear();
    this.#keys?.projected.dispose();
    this.#model.queryWeights.dispose();
    this.#model.keyWeights.dispose();
    this.#model.foldedWeights?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface MultiHeadSimilarityCall extends MultiHeadSimilarityOptions, AbortOptions {
  /** Only so many best keys of each query, 1 to 2048. */
  topK?: number | undefined;
}

/**
 * Scores of queries against keys for one call; `MultiHeadSimilarity` keeps the weights, and if wanted the keys, on the
 * device. Resolves with [queries × keys] scores, or with ids and scores when `topK` is given.
 *
 * @example
 * using device = await Device.open();
 * const random = (count: number) => Float32Array.from({ length: count }, () => Math.random() - 0.5);
 * const [queryWeights, keyWeights] = [random(64 * 64), random(64 * 64)]; // four heads of 16 rows
 * const options = { dimensions: 64, heads: 4, queryWeights, keyWeights, normalize: true };
 * const [queries, keys] = [random(3 * 64), random(100 * 64)];
 * const scores = await multiHeadSimilarity(device, queries, keys, options); // Float32Array, 3 × 100
 * const { ids } = await multiHeadSimilarity(device, queries, keys, { ...options, topK: 5 });
 */
export function multiHeadSimilarity(
  device: Device,
  queries: VectorInput,
  keys: VectorInput,
  options: MultiHeadSimilarityCall & { topK: number },
): Promise<TopKeys>;
export function multiHeadSimilarity(
  device: Device,
  queries: VectorInput,
  keys: VectorInput,
  options: MultiHeadSimilarityCall & { topK?: undefined },
): Promise<Float32Array>;
export function multiHeadSimilarity(
  device: Device,
  queries: VectorInput,
  keys: VectorInput,
  options: MultiHeadSimilarityCall,
): Promise<Float32Array | TopKeys> {
  const where = 'multiHeadSimilarity';
  checkDevice(where, device);
  const { dimensions } = checkModel(where, options, ['topK', 'signal']).shape;
  if (options.topK !== undefined) checkInteger(where, 'topK', options.topK, { min: 1, max: MAX_K });
  countVectors(where, 'queries', queries, { device, dimensions });
  countVectors(where, 'keys', keys, { device, dimensions });
  return callOnce(device, queries, keys, options);
}

async function callOnce(
  device: Device,
  queries: VectorInput,
  keys: VectorInput,
  { topK: k, signal, ...model }: MultiHeadSimilarityCall,
): Promise<Float32Array | TopKeys> {
  signal?.throwIfAborted();
  using similarity = await MultiHeadSimilarity.create(device, model);
  // Awaited here: the weights go when this function returns.
  if (k === undefined) return await similarity.score(queries, { keys, signal });
  return await similarity.topK(queries, { keys, k, signal });
}
