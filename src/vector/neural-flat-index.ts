// Exact search over a codec's codes: float queries against int8 codes with their scales, in the latent space.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf, checkRunOptions, describe } from '../runtime/validate.js';
import { checkUsable } from './disposal.js';
import { checkFile, type OpenedIndex, openIndex, saveIndex } from './index-storage.js';
import {
  elementGrid,
  GROUP,
  linearGrid,
  NONE,
  packedLength,
  type RowLayout,
  roundUp,
  rowLayout,
  TILE,
} from './layout.js';
import { METRICS, type Metric, metricConstants } from './metric.js';
import { NeuralCodec, networkOf } from './neural-codec.js';
import type { CodecNetwork } from './neural-codec-network.js';
import { checkCodecShape, layerWidths, type NeuralCodecShape } from './neural-codec-options.js';
import { type PackedRows, rejectInvalid } from './packed-rows.js';
import { PagedLists } from './paged-lists.js';
import { SearchIndex, type SearchOptions, type SearchResult } from './search-index.js';
import type { PlanQueries, ScanCall, SearchStages } from './search-plan.js';
import type { VectorInput } from './vector-input.js';
import { Workspace } from './workspace.js';

export interface NeuralFlatIndexOptions {
  /** How latents are compared. Default `l2`. */
  metric?: Metric | undefined;
}

interface NeuralMeta {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly codec: NeuralCodecShape;
}

const SIDES = ['encoder', 'decoder'] as const;

/** A row of storage: the code's words, its scale, and zeros up to whole chunks. */
const storedChunks = (codeWords: number) => Math.ceil((codeWords + 1) / 4);

/**
 * An index that keeps each vector as its codec's code, `latentDimensions` + 4 bytes, and compares queries with every code
 * without decoding: the query's latent stays in float, so only the stored side is rounded.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 2000 * 64 }, Math.random);
 * using codec = await NeuralCodec.train(device, vectors, { dimensions: 64, latentDimensions: 16, epochs: 5 });
 * using index = NeuralFlatIndex.create(device, codec, { metric: 'cosine' });
 * await index.add(vectors); // 20 bytes each instead of 256
 * const { ids, distances } = await index.search(vectors.subarray(0, 64), { k: 10 });
 */
export class NeuralFlatIndex extends SearchIndex {
  /** Must not be disposed of before the index, unless the index was loaded: then it is the index's own. */
  readonly codec: NeuralCodec;
  protected readonly kind = 'NeuralFlatIndex';
  protected readonly addBytesPerRow: number;
  readonly #network: CodecNetwork;
  readonly #ownsCodec: boolean;
  /** Of the search recorded last; its program keeps the memory. */
  #work: Workspace | undefined;

  private constructor(token: Token, codec: NeuralCodec, metric: Metric, ownsCodec: boolean) {
    checkToken(token, 'NeuralFlatIndex', 'NeuralFlatIndex.create');
    const { device, dimensions } = codec;
    const network = networkOf(codec);
    super(device, { dimensions, metric }, new PagedLists(device, 1, storedChunks(network.codeWords), 'u32'));
    this.codec = codec;
    this.#network = network;
    this.#ownsCodec = ownsCodec;
    this.addBytesPerRow = dimensions * 4 + network.hiddenBytes + network.codeWords * 4 + 8;
  }

  /** An empty index over a codec's codes, on the codec's device. */
  static create(device: Device, codec: NeuralCodec, options: NeuralFlatIndexOptions = {}): NeuralFlatIndex {
    const where = 'NeuralFlatIndex.create';
    checkDevice(where, device);
    if (!(codec instanceof NeuralCodec))
      throw new TypeError(`${where}: codec must be a NeuralCodec, got ${describe(codec)}`);
    checkUsable(where, codec);
    if (codec.device !== device) throw new TypeError(`${where}: codec must be of the same device`);
    checkRunOptions(where, options, ['metric']);
    const { metric = 'l2' } = options;
    checkOneOf(where, 'metric', metric, METRICS);
    return new NeuralFlatIndex(TOKEN, codec, metric, false);
  }

  /** The k nearest codes of each query (row-major); distances are those of the latents. Concurrent calls share runs. */
  search(queries: VectorInput, options: SearchOptions = {}): Promise<SearchResult> {
    checkRunOptions('NeuralFlatIndex.search', options, ['k', 'signal']);
    const { k = 10, signal } = options;
    return this.searchLists('NeuralFlatIndex.search', queries, { k, probes: 1, signal });
  }

  /** Writes the index and its codec to a file, atomically. */
  save(path: string, options: AbortOptions = {}): Promise<void> {
    this.check('NeuralFlatIndex.save');
    checkFile('NeuralFlatIndex.save', path, options);
    const { dimensions, metric, lists, slotIds } = this;
    const meta: NeuralMeta = { dimensions, metric, codec: this.codec.shape };
    const arrays: Record<string, Float32Array> = {};
    const weights = this.codec.weights();
    for (const side of SIDES)
      for (const [i, layer] of weights[side].entries()) {
        arrays[`${side}.${i}.weight`] = layer.weights;
        arrays[`${side}.${i}.bias`] = layer.bias ?? new Float32Array(layerWidths(this.codec.shape)[side][i][1]);
      }
    const saved = { kind: 'neural-flat', meta, lists, slotIds, arrays };
    return this.changes.run(() => saveIndex(path, saved, options), options.signal);
  }

  /** Reads an index, and its codec, that any device may have written. */
  static load(device: Device, path: string, options: AbortOptions = {}): Promise<NeuralFlatIndex> {
    checkDevice('NeuralFlatIndex.load', device);
    checkFile('NeuralFlatIndex.load', path, options);
    return NeuralFlatIndex.#load(device, path, options);
  }

  static async #load(device: Device, path: string, options: AbortOptions): Promise<NeuralFlatIndex> {
    await using file = await openIndex<NeuralMeta>(path, 'neural-flat');
    const codec = await loadCodec(device, file);
    const index = new NeuralFlatIndex(TOKEN, codec, file.meta.metric, true);
    const { lists, slotIds } = index;
    return await file.restoreInto(index, { lists, slotIds }, options);
  }

  protected probesFor(): number {
    return 1;
  }

  protected stages(): SearchStages {
    const latents = { tensor: undefined as Tensor | undefined };
    return {
      layout: rowLayout(this.dimensions),
      normalize: 0,
      columns: 1,
      inOrder: true,
      recordScores: (recorder, queries, scores) => {
        recorder.fill(scores, 0);
        latents.tensor = this.#recordLatents(recorder, queries);
      },
      recordScan: (recorder, call) => this.#recordScan(recorder, call, latents.tensor as Tensor),
    };
  }

  /** The queries' latents as packed rows. */
  #recordLatents(recorder: Recorder, queries: PlanQueries): Tensor {
    this.#work?.dispose();
    const work = new Workspace(this.device);
    this.#work = work;
    const { rows } = queries;
    const network = this.#network;
    const layout = rowLayout(this.codec.latentDimensions);
    const latents = work.tensor('f32', rows * layout.dimensions);
    const packed = work.tensor('f32', packedLength(rows, layout.chunks));
    const vectors = this.#recordUnpack(recorder, { tensor: queries.tensor, rows, work });
    network.recordLatents(recorder, { vectors, rows, latents, work });
    const { dimensions, subdimensions, chunks } = layout;
    recorder.dispatch('pack_rows', {
      buffers: { source: latents, packed, firstInvalid: work.tensor('u32', 1) },
      params: { rows, paddedRows: roundUp(rows, TILE), dimensions, subdimensions, chunks },
      constants: { check: 0, normalize: network.shape.normalize || this.metric === 'cosine' ? 1 : 0 },
      grid: linearGrid(roundUp(rows, TILE) / GROUP),
    });
    return packed;
  }

  #recordUnpack(recorder: Recorder, { tensor, rows, work }: { tensor: Tensor; rows: number; work: Workspace }): Tensor {
    const { dimensions, subdimensions, chunks }: RowLayout = rowLayout(this.dimensions);
    const vectors = work.tensor('f32', rows * dimensions);
    recorder.dispatch('unpack_rows', {
      buffers: { packed: tensor, rowsOut: vectors },
      params: { rows, dimensions, subdimensions, chunks },
      grid: elementGrid(rows * dimensions),
    });
    return vectors;
  }

  #recordScan(recorder: Recorder, call: ScanCall, queries: Tensor): void {
    const { probes, offsets, distances, tables, segment, probeCount, stride, grid } = call;
    const { tensor: storage, firstGroup, groupCount } = segment;
    const { codeWords: words } = this.#network;
    recorder.dispatch('scan_latents', {
      buffers: { queries, probes, offsets, ...tables, storage, distances },
      params: { probeCount, words, chunks: storedChunks(words), stride, firstGroup, groupCount },
      constants: { metric: metricConstants(this.metric).metric },
      grid,
    });
  }

  protected async place(rows: PackedRows): Promise<Uint32Array> {
    return new Uint32Array(rows.rows);
  }

  protected async store(rows: PackedRows, _labels: Uint32Array, slots: Tensor, signal?: AbortSignal): Promise<void> {
    using work = new Workspace(this.device);
    const { codeWords: words } = this.#network;
    const codes = work.tensor('u32', rows.rows * words);
    const scales = work.tensor('f32', rows.rows);
    const firstInvalid = work.tensor('u32', 1);
    using program = await this.device.record((recorder) => {
      recorder.fill(firstInvalid, NONE);
      const vectors = this.#recordUnpack(recorder, { tensor: rows.tensor, rows: rows.rows, work });
      this.#network.recordEncode(recorder, { vectors, rows: rows.rows, codes, scales, firstInvalid, work });
      const chunks = storedChunks(words);
      for (const { tensor: storage, firstGroup, groupCount } of this.lists.segments)
        recorder.dispatch('pack_latents', {
          buffers: { codes, scales, slots, storage },
          params: { rows: rows.rows, words, chunks, firstSlot: firstGroup * GROUP, slotCount: groupCount * GROUP },
          constants: { normalize: this.metric === 'cosine' ? 1 : 0 },
          grid: elementGrid(rows.rows * chunks * 4),
        });
    });
    const { outputs } = await program.run({ read: [firstInvalid], signal });
    rejectInvalid('NeuralFlatIndex.add', outputs[0][0]);
  }

  protected disposeParts(): void {
    this.#work?.dispose();
    if (this.#ownsCodec) this.codec.dispose();
  }
}

/** The codec that was saved with an index. */
async function loadCodec(device: Device, file: OpenedIndex<NeuralMeta>): Promise<NeuralCodec> {
  try {
    const shape = checkCodecShape('the codec', file.meta.codec, []);
    if (shape.dimensions !== file.meta.dimensions) throw new RangeError('its codec has other dimensions');
    const read = async (side: 'encoder' | 'decoder') => {
      const layers = [];
      for (const [i, [inputs, outputs]] of layerWidths(shape)[side].entries()) {
        const weights = await file.floats(`${side}.${i}.weight`, inputs * outputs);
        layers.push({ weights, bias: await file.floats(`${side}.${i}.bias`, outputs) });
      }
      return layers;
    };
    return await NeuralCodec.fromWeights(device, {
      ...shape,
      encoder: await read('encoder'),
      decoder: await read('decoder'),
    });
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw file.invalid(error.message);
    throw error;
  }
}
