// The tensors of a model by what they are for, whatever the file calls them, checked to be there and of the right shape.
import { ComputeError } from '../runtime/errors.js';
import type { ModelConfig } from './config.js';
import { columnsOf, rowsOf, type SourceTensor } from './source-tensor.js';
import type { LayerRole, TensorNames } from './tensor-names.js';

/** Matrices have a row for each output. */
export interface LayerTensors {
  readonly attentionNorm: SourceTensor;
  readonly q: SourceTensor;
  readonly k: SourceTensor;
  readonly v: SourceTensor;
  readonly o: SourceTensor;
  readonly qNorm?: SourceTensor;
  readonly kNorm?: SourceTensor;
  readonly qBias?: SourceTensor;
  readonly kBias?: SourceTensor;
  readonly vBias?: SourceTensor;
  readonly postAttentionNorm?: SourceTensor;
  readonly ffnNorm: SourceTensor;
  readonly gate: SourceTensor;
  readonly up: SourceTensor;
  readonly down: SourceTensor;
  readonly postFfnNorm?: SourceTensor;
}

export interface ModelTensors {
  readonly embedding: SourceTensor;
  readonly outputNorm: SourceTensor;
  /** The embedding itself where the two are tied. */
  readonly output: SourceTensor;
  readonly layers: readonly LayerTensors[];
}

/** What is needed of a file. */
export interface TensorSource {
  readonly path: string;
  readonly config: ModelConfig;
  readonly names: TensorNames;
  readonly tensorNames: Iterable<string>;
  has(name: string): boolean;
  tensor(name: string): SourceTensor;
}

const PLAIN = ['F32', 'F16', 'BF16'];
/** Tensors of layers that old converters left behind and nobody reads. */
const LEFT_BEHIND = /\.(rotary_emb\.inv_freq|attn_rot_embd\.weight)$/;

class Resolver {
  readonly #source: TensorSource;
  readonly #used = new Set<string>();

  constructor(source: TensorSource) {
    this.#source = source;
  }

  matrix(name: string, rows: number, columns: number): SourceTensor {
    const { path } = this.#source;
    const expected = rows === 1 ? `${columns}` : `${rows} x ${columns}`;
    if (!this.#source.has(name))
      throw new ComputeError('INVALID_FILE', `${path}: tensor '${name}' of shape ${expected} is missing`);
    this.#used.add(name);
    const tensor = this.#source.tensor(name);
    if (tensor.rows !== rows || tensor.columns !== columns)
      throw new ComputeError(
        'INVALID_FILE',
        `${path}: tensor '${name}' must be of shape ${expected}, got ${tensor.rows} x ${tensor.columns}`,
      );
    return tensor;
  }

  vector(name: string, columns: number): SourceTensor {
    const tensor = this.matrix(name, 1, columns);
    if (PLAIN.includes(tensor.type)) return tensor;
    throw new ComputeError(
      'UNSUPPORTED',
      `${this.#source.path}: tensor '${name}' must be one of ${PLAIN.join(', ')}, got ${tensor.type}`,
    );
  }

  has(name: string): boolean {
    return this.#source.has(name);
  }

  /** A tensor of a layer that no part of it reads would silently give other results. */
  checkAllUsed(prefix: string): void {
    for (const name of this.#source.tensorNames)
      if (name.startsWith(prefix) && !this.#used.has(name) && !LEFT_BEHIND.test(name))
        throw new ComputeError(
          'UNSUPPORTED',
          `${this.#source.path}: tensor '${name}' is no part of a ${this.#source.config.architecture} model of ${this.#source.config.layers} layers`,
        );
  }
}

type NameOf = (role: LayerRole) => string;

function attentionTensors(resolver: Resolver, config: ModelConfig, nameOf: NameOf) {
  const { dimensions, headSize } = config;
  const [queries, keys] = [config.heads * headSize, config.kvHeads * headSize];
  if (!resolver.has(nameOf('qkv')))
    return {
      q: resolver.matrix(nameOf('q'), queries, dimensions),
      k: resolver.matrix(nameOf('k'), keys, dimensions),
      v: resolver.matrix(nameOf('v'), keys, dimensions),
    };
  const fused = resolver.matrix(nameOf('qkv'), queries + 2 * keys, dimensions);
  return {
    q: rowsOf(fused, 0, queries),
    k: rowsOf(fused, queries, keys),
    v: rowsOf(fused, queries + keys, keys),
  };
}

function biases(resolver: Resolver, config: ModelConfig, nameOf: NameOf) {
  if (!config.attentionBias) return {};
  const [queries, keys] = [config.heads * config.headSize, config.kvHeads * config.headSize];
  if (!resolver.has(nameOf('qkvBias')))
    return {
      qBias: resolver.vector(nameOf('qBias'), queries),
      kBias: resolver.vector(nameOf('kBias'), keys),
      vBias: resolver.vector(nameOf('vBias'), keys),
    };
  const fused = resolver.vector(nameOf('qkvBias'), queries + 2 * keys);
  return {
    qBias: columnsOf(fused, 0, queries),
    kBias: columnsOf(fused, queries, keys),
    vBias: columnsOf(fused, queries + keys, keys),
  };
}

function gatedTensors(resolver: Resolver, { dimensions, feedForward }: ModelConfig, nameOf: NameOf) {
  if (resolver.has(nameOf('gate')) || !resolver.has(nameOf('gateUp')))
    return {
      gate: resolver.matrix(nameOf('gate'), feedForward, dimensions),
      up: resolver.matrix(nameOf('up'), feedForward, dimensions),
    };
  const fused = resolver.matrix(nameOf('gateUp'), 2 * feedForward, dimensions);
  return { gate: rowsOf(fused, 0, feedForward), up: rowsOf(fused, feedForward, feedForward) };
}

function layerTensors(resolver: Resolver, config: ModelConfig, nameOf: NameOf): LayerTensors {
  const { dimensions, headSize } = config;
  return {
    attentionNorm: resolver.vector(nameOf('attentionNorm'), dimensions),
    ...attentionTensors(resolver, config, nameOf),
    ...biases(resolver, config, nameOf),
    ...(config.qkNorm && {
      qNorm: resolver.vector(nameOf('qNorm'), headSize),
      kNorm: resolver.vector(nameOf('kNorm'), headSize),
    }),
    o: resolver.matrix(nameOf('o'), dimensions, config.heads * headSize),
    ffnNorm: resolver.vector(nameOf('ffnNorm'), dimensions),
    ...gatedTensors(resolver, config, nameOf),
    down: resolver.matrix(nameOf('down'), dimensions, config.feedForward),
    ...(config.postNorms && {
      postAttentionNorm: resolver.vector(nameOf('postAttentionNorm'), dimensions),
      postFfnNorm: resolver.vector(nameOf('postFfnNorm'), dimensions),
    }),
  };
}

/** Throws `ComputeError` that names the tensor: `INVALID_FILE` where it is missing or of another shape, else `UNSUPPORTED`. */
export function modelTensors(source: TensorSource): ModelTensors {
  const { config, names } = source;
  const resolver = new Resolver(source);
  const embedding = resolver.matrix(names.embedding, config.vocabulary, config.dimensions);
  const outputNorm = resolver.vector(names.outputNorm, config.dimensions);
  const output = config.tiedEmbedding ? embedding : resolver.matrix(names.output, config.vocabulary, config.dimensions);
  const layers = Array.from({ length: config.layers }, (_, index) =>
    layerTensors(resolver, config, (role) => names.layer(index, role)),
  );
  resolver.checkAllUsed(names.layerPrefix);
  return { embedding, outputNorm, output, layers };
}
