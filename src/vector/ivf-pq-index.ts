// Inverted lists of product-quantized residuals: a few bytes a vector, searched by lookup tables.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf } from '../runtime/validate.js';
import { forEachChunk } from './chunks.js';
import { CoarseQuantizer, checkLists, MAX_LISTS, SAMPLE_PER_CENTROID, sampleVectors } from './coarse-quantizer.js';
import { Codebooks, checkCodeShape } from './codebooks.js';
import { checkFile, type OpenedIndex, openIndex, saveIndex } from './index-storage.js';
import { InvertedIndex, type InvertedShape } from './inverted-index.js';
import { elementGrid, GROUP, packedLength, rowLayout } from './layout.js';
import { METRICS, type Metric, metricConstants } from './metric.js';
import type { PackedRows, PackOptions } from './packed-rows.js';
import { PagedLists } from './paged-lists.js';
import type { ScanCall, SearchStages } from './search-plan.js';
import type { CentroidTrainingOptions } from './train-centroids.js';
import { checkShape, checkTraining, TRAINING_KEYS, type TrainingOptions } from './training-options.js';
import type { VectorInput } from './vector-input.js';

export interface IvfPqTrainOptions extends TrainingOptions {
  /** Numbers in a vector. */
  dimensions: number;
  /** Inverted lists; about the square root of the number of vectors to come is a good start. */
  lists: number;
  /** Parts that a vector's residual is cut into; must divide `dimensions`. */
  subspaces: number;
  /** Bits for each part's code: 4 or 8. Default 8. */
  bits?: 4 | 8 | undefined;
  /** Default `l2`. */
  metric?: Metric | undefined;
}

interface IvfPqShape extends InvertedShape {
  readonly subspaces: number;
  readonly bits: number;
}

/**
 * IVF with product-quantized residuals (IVFADC; Jégou, Douze and Schmid 2011). A vector takes `subspaces * bits / 8`
 * bytes; distances are approximations.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 10_000 * 32 }, Math.random);
 * using index = await IvfPqIndex.train(device, vectors, { dimensions: 32, lists: 100, subspaces: 16 });
 * await index.add(vectors); // 16 bytes each instead of 128
 * const { ids, distances } = await index.search(vectors.subarray(0, 32), { k: 10, probes: 8 });
 */
export class IvfPqIndex extends InvertedIndex {
  /** Bytes of one vector's code. */
  readonly codeBytes: number;
  protected readonly kind = 'IvfPqIndex';
  readonly #codebooks: Codebooks;

  private constructor(token: Token, coarse: CoarseQuantizer, codebooks: Codebooks, shape: InvertedShape) {
    checkToken(token, 'IvfPqIndex', 'IvfPqIndex.train');
    const { device } = coarse;
    super(device, coarse, shape, new PagedLists(device, shape.lists, codebooks.codeChunks, 'u32'));
    this.#codebooks = codebooks;
    this.codeBytes = codebooks.codeBytes;
  }

  /**
   * Finds the lists' centroids and the codebooks of the residuals from (a sample of) the vectors; adds none of them.
   *
   * @throws {RangeError} fewer vectors than lists, wrong options; a vector with NaN or infinity
   */
  static train(device: Device, vectors: VectorInput, options: IvfPqTrainOptions): Promise<IvfPqIndex> {
    const where = 'IvfPqIndex.train';
    checkDevice(where, device);
    checkShape(where, options, ['dimensions', 'lists', 'subspaces', 'bits', 'metric', ...TRAINING_KEYS]);
    const { dimensions, lists, subspaces, bits = 8, metric = 'l2' } = options;
    checkOneOf(where, 'metric', metric, METRICS);
    const codes = { dimensions, subspaces, bits, codewords: 2 ** bits };
    checkCodeShape(where, codes);
    checkLists(where, vectors, lists, { device, dimensions });
    const training = { ...checkTraining(where, options), where, init: 'random' as const };
    return IvfPqIndex.#train(device, vectors, { ...codes, lists, metric }, training);
  }

  static async #train(
    device: Device,
    vectors: VectorInput,
    shape: IvfPqShape,
    training: Omit<CentroidTrainingOptions, 'layout' | 'clusters' | 'metric'>,
  ): Promise<IvfPqIndex> {
    const { dimensions, subspaces, bits, lists, metric } = shape;
    const layout = rowLayout(dimensions, subspaces);
    const coarse = await CoarseQuantizer.train(device, vectors, { layout, lists, metric }, training);
    try {
      using residuals = await sampleResiduals(device, coarse, vectors, {
        ...training,
        layout,
        codewords: 2 ** shape.bits,
      });
      const { codebooks } = await Codebooks.train(device, residuals, { ...shape, codewords: 2 ** bits }, training);
      return new IvfPqIndex(TOKEN, coarse, codebooks, { dimensions, lists, metric });
    } catch (error) {
      coarse.dispose();
      throw error;
    }
  }

  protected get addBytesPerRow(): number {
    const { chunks, subspaces } = this.#codebooks.layout;
    return Math.max(chunks * 16, subspaces * 12) + 16;
  }

  protected stages(): SearchStages {
    const { metric, normalize } = metricConstants(this.metric);
    return {
      layout: this.#codebooks.layout,
      normalize,
      columns: this.coarse.lists,
      inOrder: false,
      recordScores: (recorder, queries, scores) => this.coarse.recordScores(recorder, queries, scores),
      recordScan: (recorder, call) => this.#recordScan(recorder, call, metric),
    };
  }

  #recordScan(recorder: Recorder, call: ScanCall, metric: number): void {
    const { queries, probes, offsets, distances, tables, segment, probeCount, stride, grid } = call;
    const { layout, codeChunks, codewords, bits, tensor: codebooks } = this.#codebooks;
    const { chunks, subspaces, subspaceChunks } = layout;
    const { tensor: codes, firstGroup, groupCount } = segment;
    recorder.dispatch('scan_codes', {
      buffers: {
        queries: queries.tensor,
        centroids: this.coarse.centroids,
        codebooks,
        probes,
        offsets,
        ...tables,
        codes,
        distances,
      },
      params: { probeCount, chunks, subspaces, subspaceChunks, codeChunks, codewords, stride, firstGroup, groupCount },
      constants: { metric, bits, residual: 1 },
      grid,
    });
  }

  protected async store(rows: PackedRows, labels: Uint32Array, slots: Tensor, signal?: AbortSignal): Promise<void> {
    const { device } = this;
    using lists = await device.tensorFrom(labels);
    using residuals = device.tensor('f32', [packedLength(rows.rows, rows.layout.chunks)]);
    using subtract = await device.record((recorder) => this.coarse.recordResiduals(recorder, rows, lists, residuals));
    await subtract.run({ signal });
    using codes = await this.#codebooks.encode({ ...rows, tensor: residuals }, signal);
    using program = await device.record((recorder) => {
      for (const { tensor, firstGroup, groupCount } of this.lists.segments) {
        const target = { slots, codes: tensor, firstSlot: firstGroup * GROUP, slotCount: groupCount * GROUP };
        this.#codebooks.recordStore(recorder, codes, rows.rows, target);
      }
    });
    await program.run({ signal });
  }

  /** Writes the index to a file, atomically. */
  save(path: string, options: AbortOptions = {}): Promise<void> {
    this.check('IvfPqIndex.save');
    checkFile('IvfPqIndex.save', path, options);
    const { dimensions, metric, lists, slotIds } = this;
    const { layout, bits } = this.#codebooks;
    const meta: IvfPqShape = { dimensions, metric, lists: this.coarse.lists, subspaces: layout.subspaces, bits };
    return this.changes.run(async () => {
      const arrays = { centroids: await this.coarse.read(), codebooks: await this.#codebooks.read() };
      await saveIndex(path, { kind: 'ivf-pq', meta, lists, slotIds, arrays }, options);
    }, options.signal);
  }

  /** Reads an index that any device may have written. */
  static load(device: Device, path: string, options: AbortOptions = {}): Promise<IvfPqIndex> {
    const where = 'IvfPqIndex.load';
    checkDevice(where, device);
    checkFile(where, path, options);
    return IvfPqIndex.#load(device, path, { ...options, where });
  }

  static async #load(device: Device, path: string, options: AbortOptions & { where: string }): Promise<IvfPqIndex> {
    const { where } = options;
    await using file = await openIndex<IvfPqShape>(path, 'ivf-pq');
    file.expect('lists', 1, MAX_LISTS);
    file.expect('subspaces', 1, file.meta.dimensions);
    if (file.expect('bits', 4, 8) % 4 !== 0 || file.meta.dimensions % file.meta.subspaces !== 0)
      throw file.invalid('bits must be 4 or 8, and subspaces must divide dimensions');
    const { dimensions, lists, metric, subspaces } = file.meta;
    const layout = rowLayout(dimensions, subspaces);
    const packing = { where, layout, normalize: 0, signal: options.signal };
    const centroids = await file.rows(device, 'centroids', lists, packing);
    const coarse = await CoarseQuantizer.create(device, centroids, { layout, lists, metric });
    const codebooks = await loadCodebooks(device, file, packing).catch((error) => {
      coarse.dispose();
      throw error;
    });
    const index = new IvfPqIndex(TOKEN, coarse, codebooks, { dimensions, lists, metric });
    const { lists: into, slotIds } = index;
    return await file.restoreInto(index, { lists: into, slotIds }, options);
  }

  protected override disposeParts(): void {
    super.disposeParts();
    this.#codebooks.dispose();
  }
}

async function loadCodebooks(device: Device, file: OpenedIndex<IvfPqShape>, packing: PackOptions): Promise<Codebooks> {
  const codewords = 2 ** file.meta.bits;
  const tensor = await file.rows(device, 'codebooks', codewords, packing);
  return Codebooks.create(device, tensor, { ...file.meta, codewords });
}

interface ResidualOptions {
  readonly where: string;
  readonly layout: ReturnType<typeof rowLayout>;
  readonly codewords: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/** Row-major residuals of a sample of the vectors, on the device. */
async function sampleResiduals(
  device: Device,
  coarse: CoarseQuantizer,
  vectors: VectorInput,
  { where, layout, codewords, seed, signal }: ResidualOptions,
): Promise<Tensor> {
  const { dimensions, subdimensions, chunks } = layout;
  const fit = Math.floor(device.info.maxBindingBytes / (chunks * 16));
  const count = Math.min(codewords * SAMPLE_PER_CENTROID, fit);
  const sample = await sampleVectors(vectors, { dimensions, count, seed, signal });
  const { normalize } = metricConstants(coarse.metric);
  const flat = device.tensor('f32', [sample.length]);
  const chunking = { where, layout, normalize, signal, workspaceBytes: chunks * 16 + 12 };
  const subtract = async (rows: PackedRows, first: number) => {
    using labels = await coarse.labels(rows, signal);
    using residuals = device.tensor('f32', [packedLength(rows.rows, chunks)]);
    using program = await device.record((recorder) => {
      coarse.recordResiduals(recorder, rows, labels, residuals);
      recorder.dispatch('unpack_rows', {
        buffers: { packed: residuals, rowsOut: flat.slice(first * dimensions, rows.rows * dimensions) },
        params: { rows: rows.rows, dimensions, subdimensions, chunks },
        grid: elementGrid(rows.rows * dimensions),
      });
    });
    await program.run({ signal });
  };
  try {
    await forEachChunk(device, sample, chunking, subtract);
    return flat;
  } catch (error) {
    flat.dispose();
    throw error;
  }
}
