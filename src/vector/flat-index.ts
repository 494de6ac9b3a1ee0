// Exact search. Every tile of 128 stored vectors reports its smallest distance; the k best tiles hold the k nearest.
import { tileConstants } from '../kernels/choices.js';
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf, checkRunOptions } from '../runtime/validate.js';
import { checkFile, openIndex, saveIndex } from './index-storage.js';
import { GROUP, rowLayout, TILE } from './layout.js';
import { METRICS, type Metric, metricConstants } from './metric.js';
import type { PackedRows } from './packed-rows.js';
import { PagedLists } from './paged-lists.js';
import { recordRowScan, storeRows } from './row-lists.js';
import { SearchIndex, type SearchOptions, type SearchResult } from './search-index.js';
import type { PlanQueries, SearchStages } from './search-plan.js';
import { checkShape } from './training-options.js';
import type { VectorInput } from './vector-input.js';

export interface FlatIndexOptions {
  /** Numbers in a vector. */
  dimensions: number;
  /** Default `l2`. */
  metric?: Metric | undefined;
}

/** Up to so many queries the scan is bound by memory and reads each vector once for eight of them. */
const FEW_QUERIES = 32;

/**
 * An index that compares each query with every vector. L2 distances are summed from differences, so they are exact to
 * float32 rounding whatever the vectors' offset.
 *
 * @example
 * using device = await Device.open();
 * using index = FlatIndex.create(device, { dimensions: 128 });
 * const vectors = Float32Array.from({ length: 10_000 * 128 }, Math.random);
 * await index.add(vectors);
 * const { ids, distances } = await index.search(vectors.subarray(0, 128), { k: 10 }); // ids[0] is 0, distances[0] too
 */
export class FlatIndex extends SearchIndex {
  protected readonly kind = 'FlatIndex';
  protected readonly addBytesPerRow = 4;

  private constructor(token: Token, device: Device, dimensions: number, metric: Metric) {
    checkToken(token, 'FlatIndex', 'FlatIndex.create');
    super(device, { dimensions, metric }, new PagedLists(device, 0, rowLayout(dimensions).chunks, 'f32'));
  }

  /** An empty index. */
  static create(device: Device, options: FlatIndexOptions): FlatIndex {
    const where = 'FlatIndex.create';
    checkDevice(where, device);
    checkShape(where, options, ['dimensions', 'metric']);
    const { dimensions, metric = 'l2' } = options;
    checkOneOf(where, 'metric', metric, METRICS);
    return new FlatIndex(TOKEN, device, dimensions, metric);
  }

  /**
   * The k nearest vectors of each query (row-major), exactly; of equally near ones the earlier added. Concurrent calls
   * share runs, so `queries` must not change before the promise settles.
   */
  search(queries: VectorInput, options: SearchOptions = {}): Promise<SearchResult> {
    checkRunOptions('FlatIndex.search', options, ['k', 'signal']);
    const { k = 10, signal } = options;
    return this.searchLists('FlatIndex.search', queries, { k, probes: 0, signal });
  }

  /** Writes the index to a file, atomically. */
  save(path: string, options: AbortOptions = {}): Promise<void> {
    this.check('FlatIndex.save');
    checkFile('FlatIndex.save', path, options);
    const { dimensions, metric, lists, slotIds } = this;
    const saved = { kind: 'flat', meta: { dimensions, metric }, lists, slotIds };
    return this.changes.run(() => saveIndex(path, saved, options), options.signal);
  }

  /** Reads an index that any device may have written. */
  static load(device: Device, path: string, options: AbortOptions = {}): Promise<FlatIndex> {
    checkDevice('FlatIndex.load', device);
    checkFile('FlatIndex.load', path, options);
    return FlatIndex.#load(device, path, options);
  }

  static async #load(device: Device, path: string, options: AbortOptions): Promise<FlatIndex> {
    await using file = await openIndex<Required<FlatIndexOptions>>(path, 'flat');
    const { dimensions, metric } = file.meta;
    const index = new FlatIndex(TOKEN, device, dimensions, metric);
    const { lists, slotIds } = index;
    return await file.restoreInto(index, { lists, slotIds }, options);
  }

  protected probesFor(k: number): number {
    return Math.max(1, Math.min(k, this.#tiles));
  }

  get #tiles(): number {
    return Math.ceil(this.count / TILE);
  }

  protected stages(): SearchStages {
    const layout = rowLayout(this.dimensions);
    const { metric, normalize } = metricConstants(this.metric);
    return {
      layout,
      normalize,
      columns: this.#tiles,
      inOrder: true,
      recordScores: (recorder, queries, scores) => this.#recordMinima(recorder, queries, scores),
      recordScan: (recorder, call) => recordRowScan(recorder, call, layout.chunks, metric),
    };
  }

  #recordMinima(recorder: Recorder, queries: PlanQueries, minima: Tensor): void {
    const { metric } = metricConstants(this.metric);
    const queryCount = queries.rows;
    for (const { tensor: storage, firstGroup, groupCount } of this.lists.segments) {
      const rows = Math.min(groupCount * GROUP, this.count - firstGroup * GROUP);
      if (rows <= 0) continue;
      const { chunks } = rowLayout(this.dimensions);
      const buffers = { queries: queries.tensor, storage, minima };
      const params = { queryCount, rows, chunks, firstTile: (firstGroup * GROUP) / TILE, stride: this.#tiles };
      const tiles = Math.ceil(rows / TILE);
      if (queryCount <= FEW_QUERIES) {
        const grid = [tiles, Math.ceil(queryCount / 8)] as const;
        recorder.dispatch('scan_minima', { buffers, params, constants: { metric }, grid });
      } else {
        const grid = [tiles, Math.ceil(queryCount / TILE)] as const;
        recorder.dispatch('tile_minima', { buffers, params, constants: tileConstants(this.device, metric), grid });
      }
    }
  }

  /** A tile is a list: vectors fill one after the other. */
  protected async place(rows: PackedRows, first: number): Promise<Uint32Array> {
    return Uint32Array.from({ length: rows.rows }, (_, i) => Math.floor((first + i) / TILE));
  }

  protected store(rows: PackedRows, _labels: Uint32Array, slots: Tensor, signal?: AbortSignal): Promise<void> {
    return storeRows(this.device, rows, slots, this.lists.segments, signal);
  }

  protected disposeParts(): void {}
}
