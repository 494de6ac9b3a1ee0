// Learned compression of vectors: a few layers to a short latent, int8 codes with a scale for each vector, and back.
import { checkPath } from '../formats/input-file.js';
import type { AbortOptions } from '../runtime/abort.js';
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import { Tensor } from '../runtime/tensor.js';
import { checkObject, checkOptions, checkRunOptions, describe } from '../runtime/validate.js';
import { checkUsable } from './disposal.js';
import { loadCodec, type SavedCodec, saveCodec } from './neural-codec-file.js';
import { CodecNetwork } from './neural-codec-network.js';
import {
  type CodecShape,
  checkCodecShape,
  checkTrainOptions,
  checkWeights,
  NEURAL_CODEC_PRESETS,
  type NeuralCodecProgress,
  type NeuralCodecShape,
  type NeuralCodecTrainOptions,
  type NeuralCodecWeights,
} from './neural-codec-options.js';
import { checkLength, compare, copyRows, rejectNonFinite } from './neural-codec-rows.js';
import { CodecRuns } from './neural-codec-runs.js';
import { trainCodec } from './neural-codec-training.js';
import { Turns } from './turns.js';
import { checkTensorOf, countVectors, type VectorInput } from './vector-input.js';

/** Codes of `count` vectors: row-major [count × latentDimensions], a scale each. */
export interface EncodedVectors {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  readonly count: number;
  readonly latentDimensions: number;
}

/** The same on a device: `codes` (i8) has `codeStride` bytes a vector, `scales` (f32) one number. */
export interface EncodedTensors {
  readonly codes: Tensor;
  readonly scales: Tensor;
}

export interface EncodeOptions extends AbortOptions {
  /** Filled and returned instead of new arrays; must have exactly the length that is needed. */
  out?: { codes: Int8Array; scales: Float32Array } | undefined;
}

export interface DecodeOptions extends AbortOptions {
  /** Filled and returned instead of a new array; must have exactly the length that is needed. */
  out?: Float32Array | undefined;
}

/** How well vectors survive their codes. */
export interface NeuralCodecMetrics {
  /** Mean squared error of a number. */
  readonly mse: number;
  /** Mean cosine similarity of a vector and its reconstruction. */
  readonly cosine: number;
  /** Signal to noise, in decibels. */
  readonly snr: number;
  /** Bytes of the vectors for each byte of codes and scales. */
  readonly ratio: number;
}

const METRIC_ROWS = 4096;

/** For indexes over a codec's codes. */
export let networkOf: (codec: NeuralCodec) => CodecNetwork;

/**
 * A neural codec: latent = encoder(x), code = round(latent / scale) as int8, x' = decoder(code × scale). Every vector has
 * its own scale, max|latent| / 127.
 *
 * @example
 * using device = await Device.open();
 * const vectors = Float32Array.from({ length: 2000 * 64 }, Math.random);
 * using codec = await NeuralCodec.train(device, vectors, { dimensions: 64, latentDimensions: 16, epochs: 5 });
 * const encoded = await codec.encode(vectors); // 20 bytes a vector instead of 256
 * const restored = await codec.decodeFlat(encoded); // Float32Array, row-major
 */
export class NeuralCodec implements Disposable {
  /** Option sets for usual embeddings: 768 to 128, 768 to 64, 384 to 64 numbers. */
  static readonly presets = NEURAL_CODEC_PRESETS;
  readonly device: Device;
  /** Numbers in a vector. */
  readonly dimensions: number;
  /** Numbers in a latent, and bytes in a code. */
  readonly latentDimensions: number;
  /** Bytes of a vector's codes in a tensor: `latentDimensions` rounded up to whole 32-bit words. */
  readonly codeStride: number;
  /** How training went, the state before it first; empty for a codec that was not trained here. */
  readonly history: readonly NeuralCodecProgress[];
  readonly #saved: SavedCodec;
  readonly #network: CodecNetwork;
  readonly #runs: CodecRuns;
  #disposed = false;

  static {
    networkOf = (codec) => codec.#network;
  }

  private constructor(token: Token, saved: SavedCodec, network: CodecNetwork, history: readonly NeuralCodecProgress[]) {
    checkToken(token, 'NeuralCodec', 'NeuralCodec.train');
    this.device = network.device;
    this.dimensions = saved.shape.dimensions;
    this.latentDimensions = saved.shape.latentDimensions;
    this.codeStride = network.codeWords * 4;
    this.history = history;
    this.#saved = saved;
    this.#network = network;
    this.#runs = new CodecRuns(network);
  }

  static async #create(
    device: Device,
    saved: SavedCodec,
    history: readonly NeuralCodecProgress[] = [],
  ): Promise<NeuralCodec> {
    return new NeuralCodec(TOKEN, saved, await CodecNetwork.create(device, saved.shape, saved.weights), history);
  }

  /**
   * Trains a codec on `vectors` (row-major). A codec without hidden layers begins as PCA with a rotation that makes
   * rounding cheap, and learns from there with the rounding in the loop; the best state of all epochs is kept.
   *
   * @throws {RangeError} wrong lengths or options; a vector with NaN or infinity (rejects, naming the vector)
   * @throws {ComputeError} `OUT_OF_MEMORY`, `DEVICE_LOST`
   */
  static train(device: Device, vectors: VectorInput, options: NeuralCodecTrainOptions): Promise<NeuralCodec> {
    const where = 'NeuralCodec.train';
    checkDevice(where, device);
    const checked = checkTrainOptions(where, options);
    countVectors(where, 'vectors', vectors, { device, dimensions: checked.shape.dimensions });
    return trainCodec(device, vectors, { ...checked, where }).then(({ weights, history }) =>
      NeuralCodec.#create(device, { shape: checked.shape, weights }, history),
    );
  }

  /** A codec of given layers: `encoder` and `decoder` have one layer each, and one more for each hidden width. */
  static fromWeights(device: Device, options: NeuralCodecShape & NeuralCodecWeights): Promise<NeuralCodec> {
    const where = 'NeuralCodec.fromWeights';
    checkDevice(where, device);
    const shape = checkCodecShape(where, options, ['encoder', 'decoder']);
    const { encoder, decoder } = options;
    return NeuralCodec.#create(device, { shape, weights: checkWeights(where, shape, { encoder, decoder }) });
  }

  /** Reads a codec that any device may have written. */
  static load(device: Device, path: string): Promise<NeuralCodec> {
    const where = 'NeuralCodec.load';
    checkDevice(where, device);
    checkPath(where, path);
    return loadCodec(path).then((saved) => NeuralCodec.#create(device, saved));
  }

  /** Writes the layers to a safetensors file, atomically. */
  save(path: string, options: AbortOptions = {}): Promise<void> {
    this.#check('NeuralCodec.save', options, ['signal']);
    return saveCodec(checkPath('NeuralCodec.save', path), this.#saved, options.signal);
  }

  /** The layers, as `fromWeights` takes them. */
  weights(): NeuralCodecWeights {
    this.#check('NeuralCodec.weights', {}, []);
    return checkWeights('NeuralCodec.weights', this.#saved.shape, this.#saved.weights);
  }

  /** Widths and activations of the layers. */
  get shape(): CodecShape {
    return { ...this.#saved.shape };
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * The codes of `vectors` (row-major). Calls with numbers of vectors like those before allocate nothing on the device.
   *
   * @throws {RangeError} wrong lengths; a vector with NaN or infinity (rejects, naming the vector)
   */
  encode(vectors: VectorInput, options: EncodeOptions = {}): Promise<EncodedVectors> {
    const where = 'NeuralCodec.encode';
    this.#check(where, options, ['out', 'signal']);
    const count = countVectors(where, 'vectors', vectors, this);
    const { out } = options;
    if (out !== undefined) {
      checkOptions(`${where}: out`, out, ['codes', 'scales']);
      checkLength(where, 'out.codes', out.codes, Int8Array, count * this.latentDimensions);
      checkLength(where, 'out.scales', out.scales, Float32Array, count);
    }
    return this.#encode(where, vectors, count, options);
  }

  async #encode(
    where: string,
    vectors: VectorInput,
    count: number,
    { out, signal }: EncodeOptions,
  ): Promise<EncodedVectors> {
    signal?.throwIfAborted();
    const { latentDimensions, dimensions } = this;
    const numbers = vectors instanceof Tensor ? ((await vectors.read()) as Float32Array) : vectors;
    // An activation may turn NaN into a number before the codes are made.
    if (this.#saved.shape.hidden.length > 0) await rejectNonFinite(where, numbers, dimensions, signal);
    const codes = out?.codes ?? new Int8Array(count * latentDimensions);
    const scales = out?.scales ?? new Float32Array(count);
    const step = this.#runs.rowsPerRun();
    for (let first = 0; first < count; first += step) {
      signal?.throwIfAborted();
      const rows = Math.min(step, count - first);
      const whole = codes.subarray(first * latentDimensions, (first + rows) * latentDimensions);
      const padded = this.codeStride === latentDimensions ? whole : new Int8Array(rows * this.codeStride);
      const part = { codes: padded, scales: scales.subarray(first, first + rows) };
      await this.#runs.encode(where, numbers.subarray(first * dimensions, (first + rows) * dimensions), part, first);
      if (padded !== whole) copyRows(padded, this.codeStride, whole, latentDimensions);
    }
    return { codes, scales, count, latentDimensions };
  }

  /** The vectors of codes, as views of one array. */
  decode(encoded: EncodedVectors, options: AbortOptions = {}): Promise<Float32Array[]> {
    const where = 'NeuralCodec.decode';
    this.#check(where, options, ['signal']);
    const count = this.#checkEncoded(where, encoded);
    return this.#decode(encoded, count, options).then((flat) =>
      Array.from({ length: count }, (_, i) => flat.subarray(i * this.dimensions, (i + 1) * this.dimensions)),
    );
  }

  /** The vectors of codes, row-major. */
  decodeFlat(encoded: EncodedVectors, options: DecodeOptions = {}): Promise<Float32Array> {
    const where = 'NeuralCodec.decodeFlat';
    this.#check(where, options, ['out', 'signal']);
    const count = this.#checkEncoded(where, encoded);
    if (options.out !== undefined) checkLength(where, 'out', options.out, Float32Array, count * this.dimensions);
    return this.#decode(encoded, count, options);
  }

  async #decode(
    { codes, scales }: EncodedVectors,
    count: number,
    { out, signal }: DecodeOptions,
  ): Promise<Float32Array> {
    signal?.throwIfAborted();
    const { latentDimensions, codeStride, dimensions } = this;
    const step = this.#runs.rowsPerRun();
    const all = out ?? (count > step ? new Float32Array(count * dimensions) : undefined);
    for (let first = 0; ; first += step) {
      signal?.throwIfAborted();
      const rows = Math.min(step, count - first);
      const part = codes.subarray(first * latentDimensions, (first + rows) * latentDimensions);
      const padded = codeStride === latentDimensions ? part : new Int8Array(rows * codeStride);
      if (padded !== part) copyRows(part, latentDimensions, padded, codeStride);
      const target = all?.subarray(first * dimensions, (first + rows) * dimensions);
      const vectors = await this.#runs.decode(padded, scales.subarray(first, first + rows), target);
      if (first + rows >= count) return all ?? vectors;
    }
  }

  /**
   * Encodes an f32 tensor into tensors of the caller's, for pipelines. Repeated calls with the same tensors allocate
   * nothing.
   */
  encodeTo(vectors: Tensor, target: EncodedTensors, options: AbortOptions = {}): Promise<void> {
    const where = 'NeuralCodec.encodeTo';
    this.#check(where, options, ['signal']);
    if (!(vectors instanceof Tensor))
      throw new TypeError(`${where}: vectors must be a Tensor, got ${describe(vectors)}`);
    this.#checkTensors(where, target, countVectors(where, 'vectors', vectors, this));
    return this.#runs.encodeTo(where, vectors, target, options.signal);
  }

  /** Decodes tensors into an f32 tensor of the caller's, for pipelines. */
  decodeTo(source: EncodedTensors, vectors: Tensor, options: AbortOptions = {}): Promise<void> {
    const where = 'NeuralCodec.decodeTo';
    this.#check(where, options, ['signal']);
    if (!(vectors instanceof Tensor))
      throw new TypeError(`${where}: vectors must be a Tensor, got ${describe(vectors)}`);
    this.#checkTensors(where, source, countVectors(where, 'vectors', vectors, this));
    return this.#runs.decodeTo(source, vectors, options.signal);
  }

  /** Encodes and decodes `vectors` and compares. */
  metrics(vectors: VectorInput, options: AbortOptions = {}): Promise<NeuralCodecMetrics> {
    const where = 'NeuralCodec.metrics';
    this.#check(where, options, ['signal']);
    countVectors(where, 'vectors', vectors, this);
    return this.#metrics(where, vectors, options.signal);
  }

  async #metrics(where: string, vectors: VectorInput, signal: AbortSignal | undefined): Promise<NeuralCodecMetrics> {
    const { dimensions } = this;
    const numbers = vectors instanceof Tensor ? ((await vectors.read()) as Float32Array) : vectors;
    const count = numbers.length / dimensions;
    const turns = new Turns(signal);
    const sums = { error: 0, power: 0, cosine: 0 };
    for (let first = 0; first < count; first += METRIC_ROWS) {
      const part = numbers.subarray(first * dimensions, Math.min(count, first + METRIC_ROWS) * dimensions);
      const restored = await this.#decode(
        await this.#encode(where, part, part.length / dimensions, { signal }),
        part.length / dimensions,
        { signal },
      );
      for (let at = 0; at < part.length; at += dimensions) {
        const [dot, own, other] = compare(part, restored, at, dimensions);
        sums.error += own - 2 * dot + other;
        sums.power += own;
        sums.cosine += own > 0 && other > 0 ? dot / Math.sqrt(own * other) : own === other ? 1 : 0;
        await turns.pause();
      }
    }
    const mse = Math.max(0, sums.error) / numbers.length;
    const snr = 10 * Math.log10(sums.power / Math.max(0, sums.error));
    return { mse, cosine: sums.cosine / count, snr, ratio: (dimensions * 4) / (this.latentDimensions + 4) };
  }

  #check(where: string, options: AbortOptions, keys: readonly string[]): void {
    checkUsable(where, this);
    checkRunOptions(where, options, keys);
  }

  #checkEncoded(where: string, encoded: EncodedVectors): number {
    checkObject(where, 'encoded', encoded);
    checkOptions(`${where}: encoded`, encoded, ['codes', 'scales', 'count', 'latentDimensions']);
    const { codes, scales, latentDimensions = this.latentDimensions } = encoded;
    if (latentDimensions !== this.latentDimensions)
      throw new RangeError(
        `${where}: encoded.latentDimensions must be ${this.latentDimensions}, got ${describe(latentDimensions)}`,
      );
    if (!(scales instanceof Float32Array))
      throw new TypeError(`${where}: encoded.scales must be a Float32Array, got ${describe(scales)}`);
    const count = scales.length;
    if (count === 0) throw new RangeError(`${where}: encoded must not be empty`);
    if (encoded.count !== undefined && encoded.count !== count)
      throw new RangeError(
        `${where}: encoded.count must be ${count} as there are scales, got ${describe(encoded.count)}`,
      );
    checkLength(where, 'encoded.codes', codes, Int8Array, count * this.latentDimensions);
    for (let i = 0; i < count; i++)
      if (!(Math.abs(scales[i]) < Infinity))
        throw new RangeError(`${where}: encoded.scales[${i}] must be finite, got ${scales[i]}`);
    return count;
  }

  #checkTensors(where: string, tensors: EncodedTensors, count: number): void {
    checkOptions(`${where}: codes and scales`, tensors, ['codes', 'scales']);
    const { codes, scales } = tensors ?? {};
    checkTensorOf(where, 'codes', codes, { device: this.device, type: 'i8' });
    checkTensorOf(where, 'scales', scales, { device: this.device, type: 'f32' });
    if (codes.length !== count * this.codeStride)
      throw new RangeError(
        `${where}: codes must have ${count} × codeStride = ${count * this.codeStride} elements, got ${codes.length}`,
      );
    if (scales.length !== count)
      throw new RangeError(`${where}: scales must have ${count} elements, got ${scales.length}`);
  }

  /** Frees the device memory; runs in flight still end well. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#runs.dispose();
    this.#network.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
