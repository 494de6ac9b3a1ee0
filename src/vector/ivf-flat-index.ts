// Inverted lists of whole vectors: a search compares each query with the vectors of the nearest lists only.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf } from '../runtime/validate.js';
import { CoarseQuantizer, checkLists, MAX_LISTS } from './coarse-quantizer.js';
import { checkFile, openIndex, saveIndex } from './index-storage.js';
import { InvertedIndex, type InvertedShape } from './inverted-index.js';
import { rowLayout } from './layout.js';
import { METRICS, type Metric, metricConstants } from './metric.js';
import type { PackedRows } from './packed-rows.js';
import { PagedLists } from './paged-lists.js';
import { recordRowScan, storeRows } from './row-lists.js';
import type { SearchStages } from './search-plan.js';
import { checkShape, checkTraining, TRAINING_KEYS, type TrainingOptions } from './training-options.js';
import type { VectorInput } from './vector-input.js';

export interface IvfFlatTrainOptions extends TrainingOptions {
  /** Numbers in a vector. */
  dimensions: number;
  /** Inverted lists; about the square root of the number of vectors to come is a good start. */
  lists: number;
  /** Default `l2`. */
  metric?: Metric | undefined;
}

/**
 * IVF with exact vectors. Recall grows with the lists probed; with all of them it is exact.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 10_000 * 32 }, Math.random);
 * using index = await IvfFlatIndex.train(device, vectors, { dimensions: 32, lists: 100 });
 * await index.add(vectors);
 * const { ids } = await index.search(vectors.subarray(0, 32), { k: 10, probes: 8 }); // ids[0] is 0
 */
export class IvfFlatIndex extends InvertedIndex {
  protected readonly kind = 'IvfFlatIndex';
  protected readonly addBytesPerRow = 16;

  private constructor(token: Token, device: Device, coarse: CoarseQuantizer, shape: InvertedShape) {
    checkToken(token, 'IvfFlatIndex', 'IvfFlatIndex.train');
    super(device, coarse, shape, new PagedLists(device, shape.lists, rowLayout(shape.dimensions).chunks, 'f32'));
  }

  /**
   * Finds the lists' centroids by k-means over at most 256 × lists of the vectors; adds none of them.
   *
   * @throws {RangeError} fewer vectors than lists, wrong options; a vector with NaN or infinity
   */
  static train(device: Device, vectors: VectorInput, options: IvfFlatTrainOptions): Promise<IvfFlatIndex> {
    const where = 'IvfFlatIndex.train';
    checkDevice(where, device);
    checkShape(where, options, ['dimensions', 'lists', 'metric', ...TRAINING_KEYS]);
    const { dimensions, lists, metric = 'l2' } = options;
    checkOneOf(where, 'metric', metric, METRICS);
    checkLists(where, vectors, lists, { device, dimensions });
    const shape = { layout: rowLayout(dimensions), lists, metric };
    const training = CoarseQuantizer.train(device, vectors, shape, { ...checkTraining(where, options), where });
    return training.then((coarse) => new IvfFlatIndex(TOKEN, device, coarse, { dimensions, lists, metric }));
  }

  protected stages(): SearchStages {
    const layout = rowLayout(this.dimensions);
    const { metric, normalize } = metricConstants(this.metric);
    return {
      layout,
      normalize,
      columns: this.coarse.lists,
      inOrder: false,
      recordScores: (recorder, queries, scores) => this.coarse.recordScores(recorder, queries, scores),
      recordScan: (recorder, call) => recordRowScan(recorder, call, layout.chunks, metric),
    };
  }

  protected store(rows: PackedRows, _labels: Uint32Array, slots: Tensor, signal?: AbortSignal): Promise<void> {
    return storeRows(this.device, rows, slots, this.lists.segments, signal);
  }

  /** Writes the index to a file, atomically. */
  save(path: string, options: AbortOptions = {}): Promise<void> {
    this.check('IvfFlatIndex.save');
    checkFile('IvfFlatIndex.save', path, options);
    const { dimensions, metric, lists, slotIds } = this;
    const meta = { dimensions, metric, lists: this.coarse.lists };
    return this.changes.run(async () => {
      const arrays = { centroids: await this.coarse.read() };
      await saveIndex(path, { kind: 'ivf-flat', meta, lists, slotIds, arrays }, options);
    }, options.signal);
  }

  /** Reads an index that any device may have written. */
  static load(device: Device, path: string, options: AbortOptions = {}): Promise<IvfFlatIndex> {
    const where = 'IvfFlatIndex.load';
    checkDevice(where, device);
    checkFile(where, path, options);
    return IvfFlatIndex.#load(device, path, { ...options, where });
  }

  static async #load(device: Device, path: string, options: AbortOptions & { where: string }): Promise<IvfFlatIndex> {
    const { where } = options;
    await using file = await openIndex<InvertedShape>(path, 'ivf-flat');
    file.expect('lists', 1, MAX_LISTS);
    const { dimensions, lists, metric } = file.meta;
    const layout = rowLayout(dimensions);
    const packing = { where, layout, normalize: 0, signal: options.signal };
    const centroids = await file.rows(device, 'centroids', lists, packing);
    const coarse = await CoarseQuantizer.create(device, centroids, { layout, lists, metric });
    const index = new IvfFlatIndex(TOKEN, device, coarse, { dimensions, lists, metric });
    const { lists: into, slotIds } = index;
    return await file.restoreInto(index, { lists: into, slotIds }, options);
  }
}
