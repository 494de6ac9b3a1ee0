// What the flat and the inverted indexes have in common: paged lists, ids, recorded searches, and the rules of changing.
import { type AbortOptions, abortable } from '../runtime/abort.js';
import type { Device } from '../runtime/device.js';
import { Mutex } from '../runtime/mutex.js';
import type { Progress } from '../runtime/progress.js';
import { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkRunOptions } from '../runtime/validate.js';
import { forEachChunk } from './chunks.js';
import { checkUsable } from './disposal.js';
import { GROUP, NONE } from './layout.js';
import { type Metric, presentDistances } from './metric.js';
import type { PackedRows } from './packed-rows.js';
import type { ListTables, PagedLists } from './paged-lists.js';
import { type BatchKey, type BatchResult, SearchBatcher } from './search-batcher.js';
import {
  MAX_PLAN_ROWS,
  type PlanShape,
  planBytesPerRow,
  planRows,
  SearchPlan,
  type SearchStages,
} from './search-plan.js';
import { type Ids, SlotIds } from './slot-ids.js';
import { countVectors, type VectorInput } from './vector-input.js';

/** The most neighbours, and the most lists, that one search may ask for. */
export const MAX_K = 2048;
/** Recorded searches that are kept, the least recently used go first. */
const PLANS_KEPT = 8;
/** Device bytes that one plan may take, if the device has four times as much free. */
const PLAN_BYTES = 512 << 20;

/** An aborted call leaves the index as it was before. */
export interface AddOptions extends AbortOptions {
  /** One id a vector: 32-bit unsigned, or 64-bit signed. Default: 0, 1, 2, … in order of adding. No id may repeat. */
  ids?: Ids | undefined;
  /** Called after each part; counts vectors. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

export interface SearchOptions extends AbortOptions {
  /** Neighbours for each query, 1 to 2048. Default 10. */
  k?: number | undefined;
}

/** Neighbours of `count` queries, row-major [count × k], nearest first. */
export interface SearchResult {
  readonly count: number;
  readonly k: number;
  /** Where there are fewer than k vectors: 0xFFFFFFFF, or -1n for 64-bit ids. */
  readonly ids: Ids;
  /**
   * With the metric `l2` squared distances, rising, and +Infinity where there is no vector. With `cosine` and
   * `inner-product` similarities instead, falling, and -Infinity where there is no vector.
   */
  readonly distances: Float32Array;
}

export interface IndexStats {
  /** Vectors in the index. */
  readonly count: number;
  readonly dimensions: number;
  readonly metric: Metric;
  /** Device bytes of the stored vectors or codes. */
  readonly storageBytes: number;
  readonly lists: {
    readonly count: number;
    readonly smallest: number;
    readonly largest: number;
    readonly mean: number;
  };
}

interface SearchLimits {
  readonly shape: Omit<PlanShape, 'rows'>;
  readonly rowsPerRun: number;
}

/** What every index can do; `FlatIndex`, `IvfFlatIndex`, `IvfPqIndex` and `NeuralFlatIndex` say how to get one. */
export abstract class SearchIndex implements Disposable {
  readonly device: Device;
  /** Numbers in a vector. */
  readonly dimensions: number;
  readonly metric: Metric;
  protected readonly lists: PagedLists;
  protected readonly slotIds = new SlotIds();
  protected readonly changes = new Mutex();
  readonly #plans = new Map<string, Promise<SearchPlan>>();
  readonly #searchLimits = new Map<string, SearchLimits>();
  readonly #batcher: SearchBatcher;
  #planVersion = -1;
  #disposed = false;

  protected constructor(device: Device, shape: { dimensions: number; metric: Metric }, lists: PagedLists) {
    this.device = device;
    this.dimensions = shape.dimensions;
    this.metric = shape.metric;
    this.lists = lists;
    const batching = { dimensions: shape.dimensions, maxRows: MAX_PLAN_ROWS };
    this.#batcher = new SearchBatcher(batching, (queries, count, key) => this.#searchAll(queries, count, key));
  }

  /** The class's name, for messages. */
  protected abstract readonly kind: string;
  /** The recordable parts of a search, as the index is now. */
  protected abstract stages(): SearchStages;
  /** The list of each row. */
  protected abstract place(rows: PackedRows, first: number, signal?: AbortSignal): Promise<Uint32Array>;
  /** Stores the rows in their slots. */
  protected abstract store(rows: PackedRows, labels: Uint32Array, slots: Tensor, signal?: AbortSignal): Promise<void>;
  /** Lists that a search probes. */
  protected abstract probesFor(k: number, asked: number): number;
  /** Device bytes that adding needs for each row beside the packed row. */
  protected abstract readonly addBytesPerRow: number;
  protected abstract disposeParts(): void;

  /** The k nearest vectors of each query (row-major). */
  abstract search(queries: VectorInput, options?: SearchOptions): Promise<SearchResult>;
  /** Writes the index to a file, atomically. */
  abstract save(path: string, options?: AbortOptions): Promise<void>;

  /** Vectors in the index. */
  get count(): number {
    return this.lists.total;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Adds vectors (row-major). Either all of them are added or, when this rejects, none. Arrays must not change before
   * the promise settles.
   *
   * @throws {RangeError} wrong lengths; an id that repeats, a vector with NaN or infinity (both reject, naming it)
   * @throws {ComputeError} `OUT_OF_MEMORY`, `DEVICE_LOST`, `DISPOSED`
   */
  add(vectors: VectorInput, options: AddOptions = {}): Promise<void> {
    const where = `${this.kind}.add`;
    this.check(where);
    checkRunOptions(where, options, ['ids', 'signal', 'onProgress']);
    const { ids, signal } = options;
    const count = countVectors(where, 'vectors', vectors, this);
    this.slotIds.check(where, ids, count);
    return this.changes.run(async () => {
      this.check(where);
      this.slotIds.check(where, ids, count);
      const undoLists = await this.lists.checkpoint();
      const undoIds = await this.slotIds.claim(where, ids, { slots: this.lists.slots(), signal });
      try {
        await this.#addChunks(where, vectors, options);
        this.lists.commit();
      } catch (error) {
        undoLists();
        await undoIds();
        throw error;
      }
    }, signal);
  }

  async #addChunks(where: string, vectors: VectorInput, { ids, signal, onProgress }: AddOptions): Promise<void> {
    const { layout, normalize } = this.stages();
    const chunking = { where, layout, normalize, signal, onProgress, workspaceBytes: this.addBytesPerRow };
    const before = this.lists.total;
    await forEachChunk(this.device, vectors, chunking, async (rows, first) => {
      this.check(where);
      const labels = await this.place(rows, before + first, signal);
      const slots = await this.lists.append(labels);
      this.slotIds.assign(
        slots,
        ids?.subarray(first, first + rows.rows) as Ids | undefined,
        this.lists.groupCount * GROUP,
      );
      using slotTensor = await this.device.tensorFrom(slots);
      await this.store(rows, labels, slotTensor, signal);
    });
    signal?.throwIfAborted();
  }

  protected searchLists(
    where: string,
    queries: VectorInput,
    options: { k: number; probes: number; signal: AbortSignal | undefined },
  ): Promise<SearchResult> {
    this.check(where);
    const { k, probes, signal } = options;
    checkInteger(where, 'k', k, { min: 1, max: MAX_K });
    const count = countVectors(where, 'queries', queries, this);
    return this.#search(queries, count, { k, probes }, signal);
  }

  async #search(
    queries: VectorInput,
    count: number,
    key: BatchKey,
    signal: AbortSignal | undefined,
  ): Promise<SearchResult> {
    signal?.throwIfAborted();
    // Read at the call: what the tensor has or is later does not matter.
    const numbers = queries instanceof Tensor ? ((await queries.read({ signal })) as Float32Array) : queries;
    const { slots, values } = await abortable(this.#batcher.search(numbers, count, key, signal), signal);
    return { count, k: key.k, ids: this.slotIds.lookup(slots), distances: presentDistances(values, this.metric) };
  }

  /** Any number of queries, in as many runs as the device's memory asks for, which all see the same state. */
  async #searchAll(queries: Float32Array, count: number, key: BatchKey): Promise<BatchResult> {
    this.check(`${this.kind}.search`);
    if (this.count === 0) return nothingFound(count * key.k);
    const parts = Math.ceil(count / this.#limits(key).rowsPerRun);
    const rows = planRows(Math.ceil(count / parts));
    const plan = await this.#plan(rows, key);
    return plan.use(() => this.#searchParts(plan, queries, { count, rows, k: key.k }));
  }

  async #searchParts(
    plan: SearchPlan,
    queries: Float32Array,
    { count, rows, k }: { count: number; rows: number; k: number },
  ): Promise<BatchResult> {
    const where = `${this.kind}.search`;
    if (count <= rows) return plan.run(where, queries, count);
    const all = nothingFound(count * k);
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const first = next;
        next = Math.min(count, first + rows);
        const part = queries.subarray(first * this.dimensions, next * this.dimensions);
        const { slots, values } = await plan.run(where, part, next - first, first).catch((error) => {
          next = count; // the other lane stops as well
          throw error;
        });
        all.slots.set(slots, first * k);
        all.values.set(values, first * k);
      }
    };
    // Two lanes: the next part is on its way while the device works on this one.
    const lanes = await Promise.allSettled([lane(), lane()]);
    for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
    return all;
  }

  /** What follows from the lists' sizes for a kind of search; worked out once for each state of the index. */
  #limits(key: BatchKey): SearchLimits {
    if (this.#planVersion !== this.lists.version) this.#forgetPlans();
    const name = `${key.k} ${key.probes}`;
    const known = this.#searchLimits.get(name);
    if (known !== undefined) return known;
    const probes = this.probesFor(key.k, key.probes);
    const sizes = Float64Array.from(this.lists.sizes).sort();
    const stride = sizes.subarray(-probes).reduce((sum, size) => sum + size, 0);
    const shape = { k: key.k, probes, stride: Math.max(stride, 1), longest: sizes.at(-1) ?? 0 };
    const limits = { shape, rowsPerRun: this.#rowsPerRun(shape) };
    this.#searchLimits.set(name, limits);
    return limits;
  }

  #rowsPerRun(shape: Omit<PlanShape, 'rows'>): number {
    const perRow = planBytesPerRow(this.stages(), shape);
    const budget = Math.min(PLAN_BYTES, this.device.memory().freeBytes / 4, this.device.info.maxBindingBytes);
    const rows = Math.floor(budget / perRow);
    if (rows >= 128) return Math.min(MAX_PLAN_ROWS, Math.floor(rows / 128) * 128);
    return 2 ** Math.floor(Math.log2(Math.max(1, rows)));
  }

  /** The recorded search for a shape; recorded when first needed and again after the index has changed. */
  #plan(rows: number, key: BatchKey): Promise<SearchPlan> {
    if (this.#planVersion !== this.lists.version) this.#forgetPlans();
    const name = `${rows} ${key.k} ${key.probes}`;
    const plan = this.#plans.get(name) ?? this.#recordPlan(rows, key);
    this.#plans.delete(name);
    this.#plans.set(name, plan);
    plan.catch(() => {
      if (this.#plans.get(name) === plan) this.#plans.delete(name);
    });
    const [oldest] = this.#plans;
    if (this.#plans.size > PLANS_KEPT && oldest !== undefined) {
      this.#plans.delete(oldest[0]);
      disposePlan(oldest[1]);
    }
    return plan;
  }

  async #recordPlan(rows: number, key: BatchKey): Promise<SearchPlan> {
    let version: number;
    let tables: ListTables;
    do {
      version = this.lists.version;
      tables = await this.lists.tables();
    } while (version !== this.lists.version);
    const storage = { tables, segments: this.lists.segments };
    return SearchPlan.record(this.device, this.stages(), storage, { ...this.#limits(key).shape, rows });
  }

  #forgetPlans(): void {
    this.#planVersion = this.lists.version;
    this.#searchLimits.clear();
    for (const plan of this.#plans.values()) disposePlan(plan);
    this.#plans.clear();
  }

  /** Numbers about the index. */
  stats(): IndexStats {
    this.check(`${this.kind}.stats`);
    const { sizes, storageBytes } = this.lists;
    const count = Math.max(1, sizes.length);
    const lists = {
      count: sizes.length,
      smallest: sizes.reduce((least, size) => Math.min(least, size), sizes[0] ?? 0),
      largest: sizes.reduce((most, size) => Math.max(most, size), 0),
      mean: this.count / count,
    };
    return { count: this.count, dimensions: this.dimensions, metric: this.metric, storageBytes, lists };
  }

  protected check(where: string): void {
    checkUsable(where, this);
  }

  /** Frees the index's device memory. Searches on the device still end well, those that wait reject with `DISPOSED`. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forgetPlans();
    this.lists.dispose();
    this.disposeParts();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Runs in flight end well; a plan that could not be recorded has nothing to dispose of. */
function disposePlan(plan: Promise<SearchPlan>): void {
  plan.then(
    (recorded) => recorded.dispose(),
    () => undefined,
  );
}

function nothingFound(results: number): BatchResult {
  return { slots: new Uint32Array(results).fill(NONE), values: new Float32Array(results).fill(Infinity) };
}
