// What a model is, as plain data: the same whether it came from a GGUF file or from a Hugging Face folder.
import type { RopeTableScaling } from '../nn/rope.js';
import { ComputeError } from '../runtime/errors.js';

const ARCHITECTURES = ['llama', 'mistral', 'qwen2', 'qwen3', 'gemma3', 'phi3'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** A divisor for each of the rope's frequencies: the numbers, or the name of the tensor that holds them. */
export type RopeFactors = readonly number[] | { readonly tensor: string };

type LongRope = Extract<RopeTableScaling, { kind: 'longrope' }>;

/** As of a table, but for factors that may still lie in the file. */
export type RopeScaling =
  | Exclude<RopeTableScaling, LongRope>
  | (Omit<LongRope, 'shortFactors' | 'longFactors'> & {
      /** Up to `originalContext` tokens. */
      readonly shortFactors: RopeFactors;
      /** Beyond that. */
      readonly longFactors: RopeFactors;
    });

export interface Rope {
  /** Which numbers of a head turn together: (2i, 2i + 1), or (i, i + dims / 2). */
  readonly style: 'interleaved' | 'halves';
  /** Numbers of a head that are turned, from the first on; at most `headSize`. */
  readonly dims: number;
  readonly theta: number;
  /** Layers with a window use this theta and neither scaling nor factors; without it they use `theta` like the others. */
  readonly localTheta?: number;
  readonly scaling?: RopeScaling;
  /** Divisors that the converter has computed already (Llama 3.1 in GGUF); never together with `scaling`. */
  readonly factors?: RopeFactors;
}

export interface ModelConfig {
  readonly architecture: Architecture;
  readonly layers: number;
  /** Size of the residual stream. */
  readonly dimensions: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Rows of the embedding; the tokenizer may know fewer. */
  readonly vocabulary: number;
  /** Tokens that the model was made for. */
  readonly contextLength: number;
  /** Of all RMS norms. */
  readonly epsilon: number;
  /** 'gelu' is its tanh approximation. */
  readonly activation: 'silu' | 'gelu';
  readonly rope: Rope;
  /** Tokens that a layer with a window sees, the newest included. */
  readonly slidingWindow?: number;
  /** Of each layer: whether it has that window. */
  readonly windowLayers: readonly boolean[];
  /** Dot products of queries and keys are multiplied by it. */
  readonly attentionScale: number;
  /** RMS norms of queries and keys, head by head, before the rope. */
  readonly qkNorm: boolean;
  /** Biases of the projections to queries, keys and values. */
  readonly attentionBias: boolean;
  /** Norms behind attention and behind feed-forward, before either is added. */
  readonly postNorms: boolean;
  /** The embedding is the output matrix too. */
  readonly tiedEmbedding: boolean;
  /** Embeddings are multiplied by it. */
  readonly embeddingScale: number;
  /** What has to be added to the weights of all norms in the file: 1 for Gemma in Hugging Face's format, else 0. */
  readonly normOffset: number;
  /** For a model of embeddings: how a text's vectors become one. */
  readonly pooling?: 'mean' | 'last';
  /** Tokens that end a text. */
  readonly endIds: readonly number[];
  readonly beginId?: number;
  /** Whether a text begins with `beginId`; undefined where only the tokenizer knows. */
  readonly addBegin?: boolean;
}

const MAX_LAYERS = 4096;
const MAX_SIZE = 2 ** 24;

/** A count of layers that is small enough to make lists of. */
export function checkLayers(path: string, layers: number): number {
  return checkSize(path, 'the number of layers', layers, MAX_LAYERS);
}

function checkSize(path: string, what: string, value: number, max = MAX_SIZE): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new ComputeError('INVALID_FILE', `${path}: ${what} must be an integer from 1 to ${max}, got ${value}`);
}

function checkPositive(path: string, what: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value)))
    throw new ComputeError('INVALID_FILE', `${path}: ${what} must be a positive number, got ${value}`);
}

function checkRope(path: string, { dims, theta, localTheta, scaling, factors }: Rope, headSize: number): void {
  const invalid = (message: string) => new ComputeError('INVALID_FILE', `${path}: ${message}`);
  if (dims % 2 !== 0 || dims < 2 || dims > headSize)
    throw invalid(`the rope cannot turn ${dims} of ${headSize} numbers of a head`);
  checkPositive(path, "the rope's theta", theta);
  if (localTheta !== undefined) checkPositive(path, "the rope's theta of layers with a window", localTheta);
  for (const [name, value] of Object.entries(scaling ?? {}))
    if (typeof value === 'number') checkPositive(path, `the rope's ${name}`, value);
  const lists = scaling?.kind === 'longrope' ? [scaling.shortFactors, scaling.longFactors] : [factors];
  for (const list of lists) {
    if (!list || 'tensor' in list) continue;
    if (list.length !== dims / 2) throw invalid(`the rope needs ${dims / 2} factors, got ${list.length}`);
    for (const factor of list) checkPositive(path, "a factor of the rope's frequencies", factor);
  }
}

/** Whether the numbers go together; what comes out can be built. Throws `ComputeError` `INVALID_FILE`. */
export function checkConfig(path: string, config: ModelConfig): ModelConfig {
  checkLayers(path, config.layers);
  checkSize(path, 'the size of the residual stream', config.dimensions);
  checkSize(path, 'the size of the feed-forward block', config.feedForward);
  checkSize(path, 'the number of heads', config.heads, 65536);
  checkSize(path, 'the number of key-value heads', config.kvHeads, config.heads);
  checkSize(path, 'the size of a head', config.headSize, 65536);
  checkSize(path, 'the size of the vocabulary', config.vocabulary);
  checkSize(path, 'the length of the context', config.contextLength, 2 ** 31 - 1);
  checkPositive(path, "the norms' epsilon", config.epsilon);
  checkPositive(path, "the attention's scale", config.attentionScale);
  if (config.slidingWindow !== undefined) checkSize(path, 'the window', config.slidingWindow, 2 ** 31 - 1);
  if (config.heads % config.kvHeads !== 0)
    throw new ComputeError(
      'INVALID_FILE',
      `${path}: ${config.heads} heads cannot share ${config.kvHeads} key-value heads`,
    );
  checkRope(path, config.rope, config.headSize);
  return config;
}
