// A codec's layers on a device, and the dispatches that encode and decode.
import { tileConstants } from '../kernels/choices.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { rowLayout, TILE } from './layout.js';
import { type CodecShape, type DenseWeights, layerWidths, type NeuralCodecWeights } from './neural-codec-options.js';
import { packRows } from './packed-rows.js';
import type { Workspace } from './workspace.js';

export const ACTIVATION_NUMBERS = { none: 0, relu: 1, gelu: 2 } as const;

interface DeviceLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Tensor;
  readonly bias: Tensor;
  /** The weights as packed rows, for the layers next to the latent. */
  readonly packed?: Tensor;
}

/** Codes on the device: rows of `codeWords` 32-bit words, a scale each. */
export interface CodeTensors {
  readonly codes: Tensor;
  readonly scales: Tensor;
}

const tiles = (rows: number) => Math.ceil(rows / TILE);

export class CodecNetwork implements Disposable {
  readonly device: Device;
  readonly shape: CodecShape;
  /** 32-bit words of one vector's codes. */
  readonly codeWords: number;
  readonly #encoder: DeviceLayer[] = [];
  readonly #decoder: DeviceLayer[] = [];
  readonly #unrolled: number;
  readonly #activation: number;

  private constructor(device: Device, shape: CodecShape) {
    this.device = device;
    this.shape = shape;
    this.codeWords = Math.ceil(shape.latentDimensions / 4);
    this.#unrolled = tileConstants(device, 0).unrolled;
    this.#activation = ACTIVATION_NUMBERS[shape.activation];
  }

  static async create(device: Device, shape: CodecShape, weights: NeuralCodecWeights): Promise<CodecNetwork> {
    const network = new CodecNetwork(device, shape);
    try {
      const widths = layerWidths(shape);
      for (const [i, layer] of weights.encoder.entries())
        network.#encoder.push(await network.#upload(layer, widths.encoder[i], i === weights.encoder.length - 1));
      for (const [i, layer] of weights.decoder.entries())
        network.#decoder.push(await network.#upload(layer, widths.decoder[i], i === 0));
      return network;
    } catch (error) {
      network.dispose();
      throw error;
    }
  }

  async #upload(
    { weights, bias }: DenseWeights,
    [inputs, outputs]: [number, number],
    pack: boolean,
  ): Promise<DeviceLayer> {
    const { device } = this;
    const made: Tensor[] = [];
    const keep = (tensor: Tensor) => {
      made.push(tensor);
      return tensor;
    };
    try {
      const layer = {
        inputs,
        outputs,
        weights: keep(await device.tensorFrom(weights)),
        bias: keep(await device.tensorFrom(bias ?? new Float32Array(outputs))),
      };
      if (!pack) return layer;
      const options = { where: 'NeuralCodec', layout: rowLayout(inputs), normalize: 0 };
      const { tensor } = await packRows(device, weights, { first: 0, count: outputs }, options);
      return { ...layer, packed: keep(tensor) };
    } catch (error) {
      for (const tensor of made) tensor.dispose();
      throw error;
    }
  }

  get #latentActivation(): number {
    return this.shape.latentRelu ? ACTIVATION_NUMBERS.relu : ACTIVATION_NUMBERS.none;
  }

  /** Device bytes that one row takes in hidden layers. */
  get hiddenBytes(): number {
    return this.shape.hidden.reduce((sum, width) => sum + width * 4, 0);
  }

  #recordLayer(
    recorder: Recorder,
    layer: DeviceLayer,
    call: { input: Tensor; result: Tensor; rows: number; activation: number },
  ): void {
    const { input, result, rows, activation } = call;
    const { inputs, outputs, weights, bias } = layer;
    recorder.dispatch('dense_layer', {
      buffers: { a: input, b: weights, bias, other: bias, result },
      params: { rows, columns: outputs, depth: inputs, aRow: inputs, aStep: 1, bRow: inputs, bStep: 1 },
      constants: { activation, activateResult: activation > 0 ? 1 : 0, withBias: 1, unrolled: this.#unrolled },
      grid: [tiles(outputs), tiles(rows)],
    });
  }

  /** The hidden layers of a side; returns what its last layer starts from, or the input itself. */
  #recordHidden(recorder: Recorder, vectors: Tensor, rows: number, work: Workspace): Tensor {
    let input = vectors;
    for (const layer of this.#encoder.slice(0, -1)) {
      const result = work.tensor('f32', rows * layer.outputs);
      this.#recordLayer(recorder, layer, { input, result, rows, activation: this.#activation });
      input = result;
    }
    return input;
  }

  /** `vectors` row-major; the first row with a number that is not finite goes to `firstInvalid`, if it is lower. */
  recordEncode(
    recorder: Recorder,
    call: CodeTensors & { vectors: Tensor; rows: number; firstInvalid: Tensor; work: Workspace },
  ): void {
    const { vectors, rows, codes, scales, firstInvalid, work } = call;
    const input = this.#recordHidden(recorder, vectors, rows, work);
    const last = this.#encoder[this.#encoder.length - 1];
    recorder.dispatch('codec_encode', {
      buffers: { vectors: input, weights: last.packed as Tensor, bias: last.bias, codes, scales, firstInvalid },
      params: { rows, dimensions: last.inputs, latentDimensions: last.outputs },
      constants: {
        activation: this.#latentActivation,
        normalize: this.shape.normalize ? 1 : 0,
        unrolled: this.#unrolled,
      },
      grid: [tiles(rows)],
    });
  }

  /** Float latents, row-major, neither scaled nor rounded. */
  recordLatents(recorder: Recorder, call: { vectors: Tensor; rows: number; latents: Tensor; work: Workspace }): void {
    const { vectors, rows, latents, work } = call;
    const input = this.#recordHidden(recorder, vectors, rows, work);
    const last = this.#encoder[this.#encoder.length - 1];
    this.#recordLayer(recorder, last, { input, result: latents, rows, activation: this.#latentActivation });
  }

  recordDecode(recorder: Recorder, call: CodeTensors & { rows: number; vectors: Tensor; work: Workspace }): void {
    const { codes, scales, rows, vectors, work } = call;
    const [first, ...rest] = this.#decoder;
    let result = rest.length === 0 ? vectors : work.tensor('f32', rows * first.outputs);
    recorder.dispatch('codec_decode', {
      buffers: { codes, scales, weights: first.packed as Tensor, bias: first.bias, vectors: result },
      params: { rows, dimensions: first.outputs, words: this.codeWords },
      constants: { activation: rest.length > 0 ? this.#activation : 0, unrolled: this.#unrolled },
      grid: [tiles(first.outputs), tiles(rows)],
    });
    for (const [i, layer] of rest.entries()) {
      const input = result;
      const last = i === rest.length - 1;
      result = last ? vectors : work.tensor('f32', rows * layer.outputs);
      this.#recordLayer(recorder, layer, { input, result, rows, activation: last ? 0 : this.#activation });
    }
  }

  dispose(): void {
    for (const { weights, bias, packed } of [...this.#encoder, ...this.#decoder]) {
      weights.dispose();
      bias.dispose();
      packed?.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
