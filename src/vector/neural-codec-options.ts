// What a neural codec is: its shape, its weights, and the checks that both go through.
import type { AbortOptions } from '../runtime/abort.js';
import type { Progress } from '../runtime/progress.js';
import {
  checkBoolean,
  checkFloat,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkRunOptions,
  describe,
} from '../runtime/validate.js';

/** The most numbers that a vector, a latent or a hidden layer of a codec may have. */
const MAX_WIDTH = 16384;
const ACTIVATIONS = ['relu', 'gelu'] as const;

export type CodecActivation = (typeof ACTIVATIONS)[number];

export interface NeuralCodecShape {
  /** Numbers in a vector. */
  dimensions: number;
  /** Numbers in a latent, one byte of code each; at most `dimensions`. */
  latentDimensions: number;
  /** Widths of hidden layers from the vector to the latent; the decoder has them the other way round. Default none. */
  hidden?: readonly number[] | undefined;
  /** Of the hidden layers. Default `relu`. */
  activation?: CodecActivation | undefined;
  /** Cuts off what is negative in a latent. Default false. */
  latentRelu?: boolean | undefined;
  /** Scales each latent to length 1, so that a code says the direction only. Default false. */
  normalize?: boolean | undefined;
}

export interface NeuralCodecTrainOptions extends NeuralCodecShape, AbortOptions {
  /** Passes over the vectors. 0 leaves a linear codec as PCA and a rotation make it. Default 20. */
  epochs?: number | undefined;
  /** Vectors of one step, rounded up to a multiple of 256. Default 256. */
  batchSize?: number | undefined;
  /** Of Adam, falling to 0 along a cosine. Default 3e-4, with hidden layers 2e-3. */
  learningRate?: number | undefined;
  /** Whether layers add a bias; without it, codes of short vectors are as exact as those of long ones. Default true. */
  bias?: boolean | undefined;
  /** The same seed gives the same codec on the same device. Default 0. */
  seed?: number | undefined;
  /** Called before the first epoch and after each. */
  onProgress?: ((progress: NeuralCodecProgress) => void) | undefined;
}

/** One epoch of training: `done` of `total`, from 0 (before the first) on. */
export interface NeuralCodecProgress extends Progress {
  /** Mean squared error of the vectors' reconstruction from their codes, after the epoch. */
  readonly mse: number;
  readonly milliseconds: number;
}

/** A layer: `weights` row-major [outputs × inputs], `bias` one number an output (none: zeros). */
export interface DenseWeights {
  readonly weights: Float32Array;
  readonly bias?: Float32Array | undefined;
}

/** The layers from vector to latent and back. */
export interface NeuralCodecWeights {
  readonly encoder: readonly DenseWeights[];
  readonly decoder: readonly DenseWeights[];
}

/** A codec's shape with all its defaults. */
export type CodecShape = { readonly [Key in keyof NeuralCodecShape]-?: Exclude<NeuralCodecShape[Key], undefined> };

/** Option sets for usual embeddings. */
export const NEURAL_CODEC_PRESETS = {
  '768-128': { dimensions: 768, latentDimensions: 128 },
  '768-64': { dimensions: 768, latentDimensions: 64 },
  '384-64': { dimensions: 384, latentDimensions: 64 },
} as const satisfies Record<string, NeuralCodecShape>;

const SHAPE_KEYS = ['dimensions', 'latentDimensions', 'hidden', 'activation', 'latentRelu', 'normalize'] as const;
const TRAIN_KEYS = ['epochs', 'batchSize', 'learningRate', 'bias', 'seed', 'signal', 'onProgress'] as const;

export function checkCodecShape(where: string, options: NeuralCodecShape, keys: readonly string[]): CodecShape {
  checkRunOptions(where, options, [...SHAPE_KEYS, ...keys], { required: true });
  const {
    dimensions,
    latentDimensions,
    hidden = [],
    activation = 'relu',
    latentRelu = false,
    normalize = false,
  } = options;
  checkInteger(where, 'dimensions', dimensions, { min: 1, max: MAX_WIDTH });
  checkInteger(where, 'latentDimensions', latentDimensions, { min: 1, max: dimensions });
  if (!Array.isArray(hidden))
    throw new TypeError(`${where}: hidden must be an array of widths, got ${describe(hidden)}`);
  for (const [i, width] of hidden.entries()) checkInteger(where, `hidden[${i}]`, width, { min: 1, max: MAX_WIDTH });
  checkOneOf(where, 'activation', activation, ACTIVATIONS);
  checkBoolean(where, 'latentRelu', latentRelu);
  checkBoolean(where, 'normalize', normalize);
  return { dimensions, latentDimensions, hidden: [...hidden], activation, latentRelu, normalize };
}

export function checkTrainOptions(where: string, options: NeuralCodecTrainOptions) {
  const shape = checkCodecShape(where, options, TRAIN_KEYS);
  const { epochs = 20, batchSize = 256, bias = true, seed = 0, signal, onProgress } = options;
  const { learningRate = shape.hidden.length > 0 ? 2e-3 : 3e-4 } = options;
  checkInteger(where, 'epochs', epochs, { min: 0, max: 100_000 });
  checkInteger(where, 'batchSize', batchSize, { min: 1, max: 65536 });
  checkInteger(where, 'seed', seed, { min: 0, max: 0xffffffff });
  checkFloat(where, 'learningRate', learningRate, { min: 0, max: 10 });
  checkBoolean(where, 'bias', bias);
  if (shape.latentRelu && shape.hidden.length > 0 && shape.activation !== 'relu')
    throw new RangeError(
      `${where}: latentRelu can only be trained with hidden layers of 'relu', got '${shape.activation}'`,
    );
  return { shape, epochs, batchSize, learningRate, bias, seed, signal, onProgress };
}

export type CheckedTraining = ReturnType<typeof checkTrainOptions>;

/** Inputs and outputs of each layer. */
export function layerWidths(shape: CodecShape): { encoder: [number, number][]; decoder: [number, number][] } {
  const widths = [shape.dimensions, ...shape.hidden, shape.latentDimensions];
  const encoder = widths.slice(1).map((width, i): [number, number] => [widths[i], width]);
  const decoder = [...encoder].reverse().map(([inputs, outputs]): [number, number] => [outputs, inputs]);
  return { encoder, decoder };
}

function checkNumbers(where: string, name: string, numbers: unknown, length: number): void {
  if (!(numbers instanceof Float32Array))
    throw new TypeError(`${where}: ${name} must be a Float32Array, got ${describe(numbers)}`);
  if (numbers.length !== length)
    throw new RangeError(`${where}: ${name} must have ${length} numbers, got ${numbers.length}`);
  if (!numbers.every(Number.isFinite)) throw new RangeError(`${where}: ${name} must have finite numbers only`);
}

function checkLayers(
  where: string,
  name: string,
  layers: unknown,
  widths: readonly [number, number][],
): DenseWeights[] {
  if (!Array.isArray(layers))
    throw new TypeError(`${where}: ${name} must be an array of layers, got ${describe(layers)}`);
  if (layers.length !== widths.length)
    throw new RangeError(
      `${where}: ${name} must have ${widths.length} layers for the hidden widths, got ${layers.length}`,
    );
  return layers.map((layer: DenseWeights, i) => {
    const [inputs, outputs] = widths[i];
    checkOptions(`${where}: ${name}[${i}]`, layer, ['weights', 'bias']);
    checkNumbers(where, `${name}[${i}].weights`, layer?.weights, inputs * outputs);
    if (layer.bias === undefined) return { weights: layer.weights.slice() };
    checkNumbers(where, `${name}[${i}].bias`, layer.bias, outputs);
    return { weights: layer.weights.slice(), bias: layer.bias.slice() };
  });
}

/** The weights as copies, checked against the shape. */
export function checkWeights(where: string, shape: CodecShape, weights: NeuralCodecWeights): NeuralCodecWeights {
  const widths = layerWidths(shape);
  return {
    encoder: checkLayers(where, 'encoder', weights.encoder, widths.encoder),
    decoder: checkLayers(where, 'decoder', weights.decoder, widths.decoder),
  };
}
