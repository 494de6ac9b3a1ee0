// Training a codec on a device: PCA and a rotation or random layers first, then Adam through the rounding of the codes.
import { tileConstants } from '../kernels/choices.js';
import type { Device } from '../runtime/device.js';
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { elementGrid, linearGrid, TILE } from './layout.js';
import { combine, normal, principalDirections, randomDirections } from './neural-codec-linear.js';
import { ACTIVATION_NUMBERS } from './neural-codec-network.js';
import {
  type CheckedTraining,
  type DenseWeights,
  layerWidths,
  type NeuralCodecProgress,
  type NeuralCodecWeights,
} from './neural-codec-options.js';
import { batchRows, drawSample, type Sample } from './neural-codec-sample.js';
import { Random } from './random.js';
import { Turns } from './turns.js';
import type { VectorInput } from './vector-input.js';
import { Workspace } from './workspace.js';

/** Batches that one program holds: recording them takes a few milliseconds. */
const PROGRAM_BATCHES = 16;

interface TrainedLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Tensor;
  readonly bias: Tensor;
  readonly best: { readonly weights: Tensor; readonly bias: Tensor };
  readonly gradients: { readonly weights: Tensor; readonly bias: Tensor };
  readonly moments: { readonly weights: Tensor; readonly bias: Tensor };
  /** Of a batch: before the activation of a hidden layer; the error in the last layer. */
  readonly result: Tensor;
  readonly slopes: Tensor;
}

const tiles = (rows: number) => Math.ceil(rows / TILE);

interface TrainedCodec {
  readonly weights: NeuralCodecWeights;
  readonly history: readonly NeuralCodecProgress[];
}

export async function trainCodec(
  device: Device,
  vectors: VectorInput,
  options: CheckedTraining & { where: string },
): Promise<TrainedCodec> {
  const sample = await drawSample(device, vectors, options);
  const trainer = new CodecTrainer(device, options, sample);
  try {
    return await trainer.train();
  } finally {
    trainer.dispose();
  }
}

class CodecTrainer {
  readonly #device: Device;
  readonly #options: CheckedTraining;
  readonly #sample: Sample;
  readonly #work: Workspace;
  readonly #programs: Program[] = [];
  readonly #batch: number;
  readonly #batches: number;
  readonly #unrolled: number;
  readonly #encoderLayers: number;
  readonly #layers: TrainedLayer[] = [];
  readonly #data: Tensor;
  readonly #rounded: Tensor;
  readonly #ones: Tensor;
  readonly #schedule: Tensor;
  readonly #squares: Tensor;

  constructor(device: Device, options: CheckedTraining, sample: Sample) {
    this.#device = device;
    this.#options = options;
    this.#sample = sample;
    this.#batch = batchRows(options);
    const { dimensions, latentDimensions, hidden } = options.shape;
    this.#batches = sample.data.length / dimensions / this.#batch;
    this.#unrolled = tileConstants(device, 0).unrolled;
    this.#encoderLayers = hidden.length + 1;
    const work = new Workspace(device);
    this.#work = work;
    try {
      this.#data = work.tensor('f32', sample.data.length);
      this.#rounded = work.tensor('f32', this.#batch * latentDimensions);
      this.#ones = work.tensor('f32', this.#batch);
      this.#schedule = work.tensor('f32', this.#batches * 2);
      this.#squares = work.tensor('f32', (this.#batches * this.#batch) / 4);
      const { encoder, decoder } = layerWidths(options.shape);
      for (const [inputs, outputs] of [...encoder, ...decoder]) this.#layers.push(this.#layer(inputs, outputs));
    } catch (error) {
      work.dispose();
      throw error;
    }
  }

  #layer(inputs: number, outputs: number): TrainedLayer {
    const tensors = (factor: number) => ({
      weights: this.#work.tensor('f32', inputs * outputs * factor),
      bias: this.#work.tensor('f32', outputs * factor),
    });
    const batch = () => this.#work.tensor('f32', this.#batch * outputs);
    const parts = { best: tensors(1), gradients: tensors(1), moments: tensors(2), result: batch(), slopes: batch() };
    return { inputs, outputs, ...tensors(1), ...parts };
  }

  async train(): Promise<TrainedCodec> {
    const { epochs, signal, onProgress } = this.#options;
    await this.#data.write(this.#sample.data);
    await this.#ones.write(new Float32Array(this.#batch).fill(1));
    await this.#initialize();
    const evaluate = await this.#recordBatches((recorder, batch) => this.#recordLoss(recorder, batch));
    const learn = epochs > 0 ? await this.#recordBatches((recorder, batch) => this.#recordStep(recorder, batch)) : [];
    const keep = await this.#record((recorder) => {
      for (const { weights, bias, best } of this.#layers) recorder.copy(weights, best.weights).copy(bias, best.bias);
    });
    const history: NeuralCodecProgress[] = [];
    let least = Infinity;
    for (let epoch = 0; epoch <= epochs; epoch++) {
      const began = performance.now();
      if (epoch > 0) await this.#learn(learn, epoch);
      const mse = await this.#evaluate(evaluate);
      if (mse < least || epoch === 0) await keep.run();
      least = Math.min(least, mse);
      const progress = { done: epoch, total: epochs, mse, milliseconds: performance.now() - began };
      history.push(progress);
      onProgress?.(progress);
      signal?.throwIfAborted();
    }
    return { weights: await this.#weights(), history };
  }

  async #learn(programs: readonly Program[], epoch: number): Promise<void> {
    const { epochs, learningRate, signal } = this.#options;
    const schedule = new Float32Array(this.#batches * 2);
    for (let b = 0; b < this.#batches; b++) {
      const step = (epoch - 1) * this.#batches + b;
      const rate = learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / (epochs * this.#batches)));
      const correction = Math.sqrt(1 - 0.999 ** (step + 1));
      schedule[b * 2] = (rate * correction) / (1 - 0.9 ** (step + 1));
      schedule[b * 2 + 1] = 1e-8 * correction;
    }
    await this.#schedule.write(schedule);
    for (const program of programs) {
      signal?.throwIfAborted();
      await program.run();
    }
  }

  /** Mean squared error of the reconstruction, in the vectors' own units. */
  async #evaluate(programs: readonly Program[]): Promise<number> {
    for (const program of programs) {
      this.#options.signal?.throwIfAborted();
      await program.run();
    }
    const squares = (await this.#squares.read()) as Float32Array;
    const total = squares.reduce((sum, square) => sum + square, 0);
    return total / this.#sample.data.length / this.#sample.gain ** 2;
  }

  async #initialize(): Promise<void> {
    const { shape, seed, signal } = this.#options;
    const random = new Random((seed ^ 0x5bd1e995) >>> 0);
    const first =
      shape.hidden.length > 0 ? this.#randomLayers(random) : await this.#principalLayers(random, new Turns(signal));
    for (const [i, layer] of this.#layers.entries()) {
      await layer.weights.write(first[i]);
      await layer.bias.write(new Float32Array(layer.outputs));
      await layer.moments.weights.write(new Float32Array(layer.moments.weights.length));
      await layer.moments.bias.write(new Float32Array(layer.moments.bias.length));
    }
  }

  #randomLayers(random: Random): Float32Array[] {
    return this.#layers.map(({ inputs, outputs }, i) => {
      const deviation = Math.sqrt((this.#isHidden(i) ? 2 : 1) / inputs);
      return Float32Array.from({ length: inputs * outputs }, () => normal(random) * deviation);
    });
  }

  /** A rotation spreads each latent over its dimensions: the largest number, which sets the scale, becomes small. */
  async #principalLayers(random: Random, turns: Turns): Promise<Float32Array[]> {
    const { dimensions, latentDimensions: count, normalize } = this.#options.shape;
    const { rows } = this.#sample;
    // The sample's vectors have a length of about this, which scaled latents have lost.
    const size = normalize ? Math.sqrt(dimensions) : 1;
    const basis = await principalDirections(this.#device, this.#data, { rows, dimensions, count, random, turns });
    const rotated = await combine(await randomDirections(count, count, random, turns), basis, turns);
    const encoder = new Float32Array(count * dimensions);
    const decoder = new Float32Array(count * dimensions);
    for (const [l, row] of rotated.entries()) {
      encoder.set(row, l * dimensions);
      for (let d = 0; d < dimensions; d++) decoder[d * count + l] = row[d] * size;
    }
    return [encoder, decoder];
  }

  #isHidden(layer: number): boolean {
    return layer !== this.#encoderLayers - 1 && layer !== this.#layers.length - 1;
  }

  async #record(build: (recorder: Recorder) => void): Promise<Program> {
    const program = await this.#device.record(build);
    this.#programs.push(program);
    return program;
  }

  async #recordBatches(record: (recorder: Recorder, batch: number) => void): Promise<Program[]> {
    const programs: Program[] = [];
    for (let first = 0; first < this.#batches; first += PROGRAM_BATCHES) {
      this.#options.signal?.throwIfAborted();
      const end = Math.min(this.#batches, first + PROGRAM_BATCHES);
      programs.push(
        await this.#record((recorder) => {
          for (let batch = first; batch < end; batch++) record(recorder, batch);
        }),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    return programs;
  }

  #recordLoss(recorder: Recorder, batch: number): void {
    this.#recordForward(recorder, batch);
    const { dimensions } = this.#options.shape;
    const rows = this.#batch / 4;
    // The sum over all of them does not depend on where each number lies.
    recorder.dispatch('row_norms', {
      buffers: { packed: this.#layers[this.#layers.length - 1].result, norms: this.#squaresOf(batch) },
      params: { rows, chunks: dimensions, subspaceChunks: dimensions },
      grid: [Math.ceil(rows / 256), 1],
    });
  }

  #squaresOf(batch: number): Tensor {
    const rows = this.#batch / 4;
    return this.#squares.slice(batch * rows, rows);
  }

  /** What a layer starts from, and whether a hidden layer's activation is still to come. */
  #inputOf(layer: number, batch: number): { tensor: Tensor; activate: number } {
    const { dimensions } = this.#options.shape;
    if (layer === 0)
      return { tensor: this.#data.slice(batch * this.#batch * dimensions, this.#batch * dimensions), activate: 0 };
    if (layer === this.#encoderLayers) return { tensor: this.#rounded, activate: 0 };
    return { tensor: this.#layers[layer - 1].result, activate: 1 };
  }

  get #activation(): number {
    return ACTIVATION_NUMBERS[this.#options.shape.activation];
  }

  #recordForward(recorder: Recorder, batch: number): void {
    const { latentRelu, normalize, latentDimensions } = this.#options.shape;
    const target = this.#inputOf(0, batch).tensor;
    for (const [i, { inputs, outputs, weights, bias, result }] of this.#layers.entries()) {
      const { tensor: a, activate: activateA } = this.#inputOf(i, batch);
      const isLatent = i === this.#encoderLayers - 1;
      const isLast = i === this.#layers.length - 1;
      const relu = isLatent && latentRelu;
      recorder.dispatch('dense_layer', {
        buffers: { a, b: weights, bias, other: isLast ? target : bias, result },
        params: { rows: this.#batch, columns: outputs, depth: inputs, aRow: inputs, aStep: 1, bRow: inputs, bStep: 1 },
        constants: {
          activation: relu ? ACTIVATION_NUMBERS.relu : this.#activation,
          activateA,
          activateResult: relu ? 1 : 0,
          withBias: 1,
          combine: isLast ? 2 : 0,
          unrolled: this.#unrolled,
        },
        grid: [tiles(outputs), tiles(this.#batch)],
      });
      if (!isLatent) continue;
      recorder.dispatch('codec_quantize', {
        buffers: { latent: result, gradient: result, rounded: this.#rounded },
        params: { rows: this.#batch, latentDimensions },
        constants: { normalize: normalize ? 1 : 0, backward: 0 },
        grid: linearGrid(Math.ceil(this.#batch / 8)),
      });
    }
  }

  #recordStep(recorder: Recorder, batch: number): void {
    this.#recordForward(recorder, batch);
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      this.#recordGradients(recorder, i, batch);
      if (i > 0) this.#recordBack(recorder, i);
    }
    for (const layer of this.#layers) {
      this.#recordAdam(recorder, layer, 'weights', batch);
      if (this.#options.bias) this.#recordAdam(recorder, layer, 'bias', batch);
    }
  }

  /** Slopes of the loss by a layer's result; for the last layer that is the error itself. */
  #slopesOf(layer: number): Tensor {
    const { result, slopes } = this.#layers[layer];
    return layer === this.#layers.length - 1 ? result : slopes;
  }

  #recordGradients(recorder: Recorder, i: number, batch: number): void {
    const { inputs, outputs, gradients } = this.#layers[i];
    const { tensor: input, activate: activateB } = this.#inputOf(i, batch);
    const slopes = this.#slopesOf(i);
    const depth = this.#batch;
    recorder.dispatch('dense_layer', {
      buffers: { a: slopes, b: input, bias: slopes, other: slopes, result: gradients.weights },
      params: { rows: outputs, columns: inputs, depth, aRow: 1, aStep: outputs, bRow: 1, bStep: inputs },
      constants: { activation: this.#activation, activateB, unrolled: this.#unrolled },
      grid: [tiles(inputs), tiles(outputs)],
    });
    if (!this.#options.bias) return;
    recorder.dispatch('dense_layer', {
      buffers: { a: this.#ones, b: slopes, bias: slopes, other: slopes, result: gradients.bias },
      params: { rows: 1, columns: outputs, depth, aRow: 0, aStep: 1, bRow: 1, bStep: outputs },
      constants: { unrolled: this.#unrolled },
      grid: [tiles(outputs), 1],
    });
  }

  /** Slopes of the layer before. The rounding of codes passes them on as they are. */
  #recordBack(recorder: Recorder, i: number): void {
    const { inputs, outputs, weights } = this.#layers[i];
    const before = this.#layers[i - 1];
    const { normalize, latentRelu, latentDimensions } = this.#options.shape;
    const toLatent = i === this.#encoderLayers;
    const scaled = toLatent && normalize;
    // The rounded latent is not needed any more: it makes room for slopes on their way through the scaling.
    const result = scaled ? this.#rounded : before.slopes;
    const sloped = !toLatent || latentRelu;
    recorder.dispatch('dense_layer', {
      buffers: { a: this.#slopesOf(i), b: weights, bias: weights, other: before.result, result },
      params: { rows: this.#batch, columns: inputs, depth: outputs, aRow: outputs, aStep: 1, bRow: 1, bStep: inputs },
      constants: {
        activation: toLatent ? ACTIVATION_NUMBERS.relu : this.#activation,
        combine: sloped ? 1 : 0,
        unrolled: this.#unrolled,
      },
      grid: [tiles(inputs), tiles(this.#batch)],
    });
    if (!scaled) return;
    recorder.dispatch('codec_quantize', {
      buffers: { latent: before.result, gradient: this.#rounded, rounded: before.slopes },
      params: { rows: this.#batch, latentDimensions },
      constants: { normalize: 1, backward: 1 },
      grid: linearGrid(Math.ceil(this.#batch / 8)),
    });
  }

  #recordAdam(recorder: Recorder, layer: TrainedLayer, part: 'weights' | 'bias', step: number): void {
    const weights = layer[part];
    recorder.dispatch('adam_step', {
      buffers: { weights, gradient: layer.gradients[part], moments: layer.moments[part], schedule: this.#schedule },
      params: { count: weights.length, step },
      grid: elementGrid(weights.length),
    });
  }

  /** The best layers, for vectors as they were before they were centred and scaled. */
  async #weights(): Promise<NeuralCodecWeights> {
    const { mean, gain } = this.#sample;
    const layers: { weights: Float32Array; bias: Float32Array }[] = [];
    for (const { best } of this.#layers)
      layers.push({
        weights: (await best.weights.read()) as Float32Array,
        bias: (await best.bias.read()) as Float32Array,
      });
    const first = layers[0];
    for (let o = 0; o < first.bias.length; o++) {
      let shift = 0;
      for (let d = 0; d < mean.length; d++) shift += first.weights[o * mean.length + d] * gain * mean[d];
      first.bias[o] -= shift;
    }
    for (let i = 0; i < first.weights.length; i++) first.weights[i] *= gain;
    const last = layers[layers.length - 1];
    for (let i = 0; i < last.weights.length; i++) last.weights[i] /= gain;
    for (let d = 0; d < mean.length; d++) last.bias[d] = last.bias[d] / gain + mean[d];
    const trained: DenseWeights[] = this.#options.bias ? layers : layers.map(({ weights }) => ({ weights }));
    return { encoder: trained.slice(0, this.#encoderLayers), decoder: trained.slice(this.#encoderLayers) };
  }

  dispose(): void {
    for (const program of this.#programs) program.dispose();
    this.#work.dispose();
  }
}
