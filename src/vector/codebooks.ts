// A product quantizer's codebooks on the device: what they are, how rows become labels and labels become code words.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkInteger, describe } from '../runtime/validate.js';
import { Assigner } from './assigner.js';
import { elementGrid, type RowLayout, rowLayout } from './layout.js';
import { type PackedRows, unpackRows } from './packed-rows.js';
import { type CentroidTrainingOptions, trainCentroids } from './train-centroids.js';
import type { VectorInput } from './vector-input.js';

export interface CodeShape {
  readonly dimensions: number;
  readonly subspaces: number;
  readonly bits: number;
  /** Codewords of each subspace, at most 2^bits. */
  readonly codewords: number;
}

/** Checks that a vector can be cut into `subspaces` parts of equal length and coded with 4 or 8 bits each. */
export function checkCodeShape(where: string, { dimensions, subspaces, bits, codewords }: CodeShape): void {
  checkInteger(where, 'subspaces', subspaces, { min: 1, max: dimensions });
  if (bits !== 4 && bits !== 8) throw new RangeError(`${where}: bits must be 4 or 8, got ${describe(bits)}`);
  checkInteger(where, 'codewords', codewords, { min: 1, max: 2 ** bits });
  if (dimensions % subspaces !== 0)
    throw new RangeError(`${where}: subspaces must divide dimensions (${dimensions}), got ${subspaces}`);
}

interface PackCodesTarget {
  readonly slots: Tensor;
  readonly codes: Tensor;
  readonly firstSlot: number;
  readonly slotCount: number;
}

export class Codebooks {
  readonly layout: RowLayout;
  readonly bits: number;
  readonly codewords: number;
  /** Bytes of one row's code. */
  readonly codeBytes: number;
  /** The same in uint32 words, the last one padded with zeros. */
  readonly codeWords: number;
  /** The same in 16-byte chunks of the interleaved layout. */
  readonly codeChunks: number;
  readonly tensor: Tensor;
  readonly #device: Device;
  readonly #assigner: Assigner;

  private constructor(device: Device, tensor: Tensor, shape: CodeShape, assigner: Assigner) {
    this.#device = device;
    this.#assigner = assigner;
    this.tensor = tensor;
    this.layout = rowLayout(shape.dimensions, shape.subspaces);
    this.bits = shape.bits;
    this.codewords = shape.codewords;
    this.codeBytes = Math.ceil((shape.subspaces * shape.bits) / 8);
    this.codeWords = Math.ceil(this.codeBytes / 4);
    this.codeChunks = Math.ceil(this.codeBytes / 16);
  }

  /** Takes packed codewords over, also when it fails. */
  static async create(device: Device, tensor: Tensor, shape: CodeShape): Promise<Codebooks> {
    const layout = rowLayout(shape.dimensions, shape.subspaces);
    try {
      const assigner = await Assigner.create(tensor, { layout, clusters: shape.codewords, metric: 0 });
      return new Codebooks(device, tensor, shape, assigner);
    } catch (error) {
      tensor.dispose();
      throw error;
    }
  }

  /** Trains all subspaces in one batch of dispatches. */
  static async train(
    device: Device,
    vectors: VectorInput,
    shape: CodeShape,
    options: Omit<CentroidTrainingOptions, 'layout' | 'clusters' | 'metric'>,
  ) {
    const layout = rowLayout(shape.dimensions, shape.subspaces);
    const training = { ...options, layout, clusters: shape.codewords, metric: 'l2' as const };
    const { centroids, history } = await trainCentroids(device, vectors, training);
    return { codebooks: await Codebooks.create(device, centroids, shape), history };
  }

  /** The nearest codeword of each sub-vector, [subspace * rows + row], on the device. The caller disposes of it. */
  async encode(rows: PackedRows, signal?: AbortSignal): Promise<Tensor> {
    const { labels, distances } = await this.#assigner.assign(rows, signal);
    distances.dispose();
    return labels;
  }

  /** Writes labels as interleaved code rows into a storage segment. */
  recordStore(recorder: Recorder, labels: Tensor, rows: number, target: PackCodesTarget): void {
    const { slots, codes, firstSlot, slotCount } = target;
    recorder.dispatch('pack_codes', {
      buffers: { labels, slots, codes },
      params: this.#packParams(rows, firstSlot, slotCount),
      constants: { bits: this.bits, interleaved: 1 },
      grid: elementGrid(rows * this.codeChunks * 4),
    });
  }

  /** Writes labels as row-major code rows of `codeWords` words. */
  recordRows(recorder: Recorder, labels: Tensor, rows: number, codes: Tensor): void {
    recorder.dispatch('pack_codes', {
      buffers: { labels, slots: labels, codes },
      params: this.#packParams(rows, 0, 0),
      constants: { bits: this.bits, interleaved: 0 },
      grid: elementGrid(rows * this.codeWords),
    });
  }

  #packParams(rows: number, firstSlot: number, slotCount: number) {
    return {
      rows,
      subspaces: this.layout.subspaces,
      words: this.codeWords,
      chunks: this.codeChunks,
      firstSlot,
      slotCount,
    };
  }

  /** Writes the vectors that row-major code rows stand for, row-major. */
  recordDecode(recorder: Recorder, codes: Tensor, rows: number, vectors: Tensor): void {
    const { dimensions, subdimensions, chunks } = this.layout;
    recorder.dispatch('decode_codes', {
      buffers: { codes, codebooks: this.tensor, vectors },
      params: { rows, words: this.codeWords, dimensions, subdimensions, chunks },
      constants: { bits: this.bits },
      grid: elementGrid(rows * dimensions),
    });
  }

  /** All codewords, row-major: row j holds codeword j of every subspace side by side. */
  read(): Promise<Float32Array> {
    return unpackRows(this.#device, { tensor: this.tensor, rows: this.codewords, layout: this.layout });
  }

  dispose(): void {
    this.#assigner.dispose();
    this.tensor.dispose();
  }
}
