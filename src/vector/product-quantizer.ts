// Product quantization (Jégou, Douze and Schmid 2011): vectors as a few bytes each.
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkRunOptions, describe } from '../runtime/validate.js';
import { chunkRows, forEachChunk } from './chunks.js';
import { CodeScan } from './code-scan.js';
import { Codebooks, type CodeShape, checkCodeShape } from './codebooks.js';
import { checkUsable } from './disposal.js';
import { TILE } from './layout.js';
import type { KMeansInit } from './seeding.js';
import type { KMeansProgress } from './train-centroids.js';
import { checkInit, checkShape, checkTraining, TRAINING_KEYS, type TrainingOptions } from './training-options.js';
import { countVectors, type VectorInput } from './vector-input.js';

export interface ProductQuantizerTrainOptions extends TrainingOptions {
  /** Numbers in a vector. */
  dimensions: number;
  /** Parts that a vector is cut into; must divide `dimensions`. */
  subspaces: number;
  /** Bits for each part's code: 4 or 8. Default 8. */
  bits?: 4 | 8 | undefined;
  /** Codewords of each part, 1 to 2^bits. Default 2^bits. */
  codewords?: number | undefined;
  /** How the first codewords are chosen, or themselves, laid out as `codebooks()` returns them. Default `random`. */
  init?: KMeansInit | Float32Array | undefined;
}

/**
 * A product quantizer: a codebook of 2^bits (or fewer) codewords for each of `subspaces` parts of a vector. A vector's
 * code is the number of the nearest codeword of each part, `subspaces * bits / 8` bytes in all.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 10_000 * 32 }, Math.random);
 * using quantizer = await ProductQuantizer.train(device, vectors, { dimensions: 32, subspaces: 16 });
 * const codes = await quantizer.encode(vectors); // Uint8Array, 16 bytes a vector instead of 128
 * const approximations = await quantizer.decode(codes);
 */
export class ProductQuantizer implements Disposable {
  readonly device: Device;
  /** Numbers in a vector. */
  readonly dimensions: number;
  /** Parts that a vector is cut into. */
  readonly subspaces: number;
  /** Of each part's code. */
  readonly bits: number;
  /** Bytes of one vector's code; with 4 bits the even part is in the low half of its byte. */
  readonly codeBytes: number;
  /** One entry an iteration; the objective is the sum over all parts. */
  readonly history: readonly KMeansProgress[];
  readonly #codebooks: Codebooks;
  #disposed = false;

  private constructor(token: Token, device: Device, codebooks: Codebooks, history: readonly KMeansProgress[]) {
    checkToken(token, 'ProductQuantizer', 'ProductQuantizer.train');
    this.device = device;
    this.dimensions = codebooks.layout.dimensions;
    this.subspaces = codebooks.layout.subspaces;
    this.bits = codebooks.bits;
    this.codeBytes = codebooks.codeBytes;
    this.history = history;
    this.#codebooks = codebooks;
  }

  /**
   * Trains all codebooks at once on `vectors` (row-major). Fewer vectors than codewords work, with a warning.
   *
   * @throws {RangeError} wrong lengths or options; a vector with NaN or infinity (rejects, naming the vector)
   */
  static train(device: Device, vectors: VectorInput, options: ProductQuantizerTrainOptions): Promise<ProductQuantizer> {
    const where = 'ProductQuantizer.train';
    checkDevice(where, device);
    checkShape(where, options, ['dimensions', 'subspaces', 'bits', 'codewords', 'init', ...TRAINING_KEYS]);
    const { dimensions, subspaces, bits = 8, codewords = 2 ** bits, init = 'random' } = options;
    const shape: CodeShape = { dimensions, subspaces, bits, codewords };
    checkCodeShape(where, shape);
    checkInit(where, init, codewords * dimensions);
    countVectors(where, 'vectors', vectors, { device, dimensions });
    const training = Codebooks.train(device, vectors, shape, { ...checkTraining(where, options), where, init });
    return training.then(({ codebooks, history }) => new ProductQuantizer(TOKEN, device, codebooks, history));
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The codewords, row-major: row j holds codeword j of every part side by side (`codewords × dimensions` numbers). */
  codebooks(): Promise<Float32Array> {
    this.#check('ProductQuantizer.codebooks');
    return this.#codebooks.read();
  }

  /** Codes of `vectors`, row-major, `codeBytes` bytes each. */
  encode(vectors: VectorInput, options: AbortOptions = {}): Promise<Uint8Array> {
    const where = 'ProductQuantizer.encode';
    this.#check(where, options);
    return this.#encode(where, vectors, countVectors(where, 'vectors', vectors, this), options.signal);
  }

  async #encode(where: string, vectors: VectorInput, count: number, signal?: AbortSignal): Promise<Uint8Array> {
    const books = this.#codebooks;
    const codes = new Uint8Array(count * this.codeBytes);
    const workspaceBytes = this.subspaces * 12 + books.codeWords * 4;
    const chunking = { where, layout: books.layout, normalize: 0, signal, workspaceBytes };
    await forEachChunk(this.device, vectors, chunking, async (rows, first) => {
      using labels = await books.encode(rows, signal);
      using words = this.device.tensor('u32', [rows.rows * books.codeWords]);
      using program = await this.device.record((recorder) => books.recordRows(recorder, labels, rows.rows, words));
      const { outputs } = await program.run({ read: [words], signal });
      copyRows(
        bytesOf(outputs[0] as Uint32Array),
        books.codeWords * 4,
        codes.subarray(first * this.codeBytes),
        this.codeBytes,
      );
    });
    return codes;
  }

  /** The vectors that `codes` stand for, row-major. */
  decode(codes: Uint8Array, options: AbortOptions = {}): Promise<Float32Array> {
    const where = 'ProductQuantizer.decode';
    this.#check(where, options);
    return this.#decode(codes, this.#countCodes(where, codes), options.signal);
  }

  async #decode(codes: Uint8Array, count: number, signal?: AbortSignal): Promise<Float32Array> {
    const vectors = new Float32Array(count * this.dimensions);
    const rowBytes = this.dimensions * 4;
    const step = chunkRows(this.device, rowBytes + this.#codebooks.codeWords * 4, rowBytes);
    for (let first = 0; first < count; first += step) {
      const rows = Math.min(step, count - first);
      using words = await this.#upload(codes, first, rows);
      using flat = this.device.tensor('f32', [rows * this.dimensions]);
      using program = await this.device.record((recorder) => this.#codebooks.recordDecode(recorder, words, rows, flat));
      const out = vectors.subarray(first * this.dimensions, (first + rows) * this.dimensions);
      await program.run({ read: [flat], out: [out], signal });
    }
    return vectors;
  }

  /**
   * Asymmetric distances (ADC): squared L2 distance of each query to the vector each code stands for, row-major
   * [queries × codes].
   */
  distances(queries: VectorInput, codes: Uint8Array, options: AbortOptions = {}): Promise<Float32Array> {
    const where = 'ProductQuantizer.distances';
    this.#check(where, options);
    countVectors(where, 'queries', queries, this);
    return this.#distances(where, queries, codes, { count: this.#countCodes(where, codes), signal: options.signal });
  }

  async #distances(
    where: string,
    queries: VectorInput,
    codes: Uint8Array,
    { count, signal }: { count: number; signal: AbortSignal | undefined },
  ): Promise<Float32Array> {
    const { layout, codeChunks } = this.#codebooks;
    const all = new Float32Array((queries.length / this.dimensions) * count);
    const chunking = { where, layout, normalize: 0, signal, workspaceBytes: 0 };
    // A tile of queries is the least that is compared with the codes at a time.
    const codeStep = chunkRows(this.device, codeChunks * 32 + TILE * 4, Math.max(codeChunks * 16, TILE * 4));
    for (let first = 0; first < count; first += codeStep) {
      const rows = Math.min(codeStep, count - first);
      using words = await this.#upload(codes, first, rows);
      using scan = new CodeScan(this.device, this.#codebooks, rows);
      await forEachChunk(this.device, queries, { ...chunking, workspaceBytes: rows * 4 }, async (packed, query) => {
        const part = await scan.distances(packed, words, signal);
        for (let q = 0; q < packed.rows; q++)
          all.set(part.subarray(q * rows, (q + 1) * rows), (query + q) * count + first);
      });
    }
    return all;
  }

  /** Code rows padded to whole words, on the device. */
  async #upload(codes: Uint8Array, first: number, rows: number): Promise<Tensor> {
    const padded = new Uint32Array(rows * this.#codebooks.codeWords);
    const bytes = codes.subarray(first * this.codeBytes, (first + rows) * this.codeBytes);
    copyRows(bytes, this.codeBytes, bytesOf(padded), this.#codebooks.codeWords * 4);
    return this.device.tensorFrom(padded);
  }

  #countCodes(where: string, codes: Uint8Array): number {
    if (!(codes instanceof Uint8Array))
      throw new TypeError(`${where}: codes must be a Uint8Array, got ${describe(codes)}`);
    if (codes.length === 0 || codes.length % this.codeBytes !== 0)
      throw new RangeError(
        `${where}: codes must hold whole codes of ${this.codeBytes} bytes, got ${codes.length} bytes`,
      );
    if (this.#codebooks.codewords < 2 ** this.bits) this.#checkCodewords(where, codes);
    return codes.length / this.codeBytes;
  }

  /** Where a code can have more values than there are codewords, the others would be read from past the codebooks. */
  #checkCodewords(where: string, codes: Uint8Array): void {
    const { codewords } = this.#codebooks;
    const padded = this.bits === 4 && this.subspaces % 2 === 1;
    for (const [i, byte] of codes.entries()) {
      const isPad = padded && i % this.codeBytes === this.codeBytes - 1;
      const largest = this.bits === 8 ? byte : Math.max(byte & 15, isPad ? 0 : byte >> 4);
      if (largest >= codewords)
        throw new RangeError(`${where}: codes must be below ${codewords}, the number of codewords, got ${largest}`);
    }
  }

  #check(where: string, options: AbortOptions = {}): void {
    checkUsable(where, this);
    checkRunOptions(where, options, ['signal']);
  }

  /** Frees the codebooks on the device. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#codebooks.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Copies rows between two strides; the shorter of them is what a row keeps. */
function copyRows(from: Uint8Array, fromStride: number, to: Uint8Array, toStride: number): void {
  if (fromStride === toStride) {
    to.set(from);
    return;
  }
  const kept = Math.min(fromStride, toStride);
  for (let i = 0, j = 0; i < from.length; i += fromStride, j += toStride) to.set(from.subarray(i, i + kept), j);
}
