// What the inverted indexes share: a coarse quantizer that places vectors and chooses the lists to probe.
import type { Device } from '../runtime/device.js';
import { checkInteger, checkRunOptions } from '../runtime/validate.js';
import type { CoarseQuantizer } from './coarse-quantizer.js';
import type { Metric } from './metric.js';
import type { PackedRows } from './packed-rows.js';
import type { PagedLists } from './paged-lists.js';
import { MAX_K, SearchIndex, type SearchOptions, type SearchResult } from './search-index.js';
import type { VectorInput } from './vector-input.js';

export interface InvertedShape {
  readonly dimensions: number;
  readonly lists: number;
  readonly metric: Metric;
}

export interface InvertedSearchOptions extends SearchOptions {
  /** Lists probed for each query, 1 or more; more than there are (or than 2048) means all of them (2048). Default 8. */
  probes?: number | undefined;
}

/** What an index with inverted lists can do: a search looks at a few lists only. */
export abstract class InvertedIndex extends SearchIndex {
  protected readonly coarse: CoarseQuantizer;

  protected constructor(device: Device, coarse: CoarseQuantizer, shape: InvertedShape, lists: PagedLists) {
    super(device, shape, lists);
    this.coarse = coarse;
  }

  /**
   * The k nearest vectors of each query (row-major) among the probed lists. Concurrent calls share runs, so
   * `queries` must not change before the promise settles.
   */
  search(queries: VectorInput, options: InvertedSearchOptions = {}): Promise<SearchResult> {
    const where = `${this.kind}.search`;
    checkRunOptions(where, options, ['k', 'probes', 'signal']);
    const { k = 10, probes = 8, signal } = options;
    checkInteger(where, 'probes', probes, { min: 1, max: Number.MAX_SAFE_INTEGER });
    return this.searchLists(where, queries, { k, probes: this.probesFor(k, probes), signal });
  }

  protected probesFor(_k: number, asked: number): number {
    return Math.min(asked, this.coarse.lists, MAX_K);
  }

  protected async place(rows: PackedRows, _first: number, signal?: AbortSignal): Promise<Uint32Array> {
    using labels = await this.coarse.labels(rows, signal);
    return (await labels.read()) as Uint32Array;
  }

  protected disposeParts(): void {
    this.coarse.dispose();
  }
}
