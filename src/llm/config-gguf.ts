// The configuration of a model in GGUF: from the metadata and from which tensors there are.
import type { Gguf } from '../formats/gguf.js';
import type { GgufMetadata } from '../formats/gguf-metadata.js';
import { ComputeError } from '../runtime/errors.js';
import {
  type Architecture,
  checkConfig,
  checkLayers,
  type ModelConfig,
  type Rope,
  type RopeScaling,
} from './config.js';

/** Values of the architecture: keys are `llama.block_count` and so on. */
class Fields {
  readonly path: string;
  readonly metadata: GgufMetadata;
  readonly architecture: string;
  readonly #tensors: ReadonlySet<string>;

  constructor(gguf: Gguf, architecture: string) {
    this.path = gguf.path;
    this.metadata = gguf.metadata;
    this.architecture = architecture;
    this.#tensors = new Set(gguf.tensors.map(({ name }) => name));
  }

  number(key: string): number | undefined {
    const name = `${this.architecture}.${key}`;
    if (ArrayBuffer.isView(this.metadata.values.get(name)))
      throw this.unsupported(`'${name}' differs from layer to layer`);
    return this.metadata.number(name);
  }

  boolean(key: string): boolean | undefined {
    return this.metadata.boolean(`${this.architecture}.${key}`);
  }

  string(key: string): string | undefined {
    return this.metadata.string(`${this.architecture}.${key}`);
  }

  required(key: string): number {
    const value = this.number(key);
    if (value === undefined)
      throw new ComputeError('INVALID_FILE', `${this.path}: '${this.architecture}.${key}' is missing`);
    return value;
  }

  hasTensor(name: string): boolean {
    return this.#tensors.has(name);
  }

  unsupported(what: string): ComputeError {
    return new ComputeError('UNSUPPORTED', `${this.path}: ${what}`);
  }
}

/** By `general.architecture`; Mistral's models are 'llama' there. */
const KNOWN: readonly Architecture[] = ['llama', 'qwen2', 'qwen3', 'gemma3', 'phi3'];
/** Every sixth layer of Gemma 3 sees everything; files say so only where it is otherwise. */
const GEMMA3_PATTERN = 6;
const GEMMA3_LOCAL_THETA = 10000;
/** Gemma 3 27B scales by dimensions / heads instead of by the size of a head, which no key says. */
const GEMMA3_27B_LAYERS = 62;
const DEFAULT_THETA = 10000;
const POOLING = ['none', 'mean', 'cls', 'last', 'rank'];
const CONTROL_TOKENS = [3, 4];
/** Texts of tokens that end an answer or a turn, whatever else the file calls the end. */
const END_TEXTS: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end_of_text|>',
  '<|im_end|>',
  '<|endoftext|>',
  '<|end|>',
  '<end_of_turn>',
]);

function checkSupported(fields: Fields): void {
  if ((fields.number('expert_count') ?? 0) > 0) throw fields.unsupported('a mixture of experts');
  if (fields.boolean('attention.causal') === false) throw fields.unsupported('attention that is not causal');
  for (const key of ['attn_logit_softcapping', 'final_logit_softcapping'])
    if ((fields.number(key) ?? 0) !== 0) throw fields.unsupported(`'${fields.architecture}.${key}'`);
}

function ropeScaling(fields: Fields, contextLength: number): RopeScaling | undefined {
  const originalContext = fields.number('rope.scaling.original_context_length') ?? contextLength;
  const magnitude = fields.number('rope.scaling.attn_factor') ?? 1;
  if (fields.hasTensor('rope_factors_long.weight'))
    return {
      kind: 'longrope',
      shortFactors: { tensor: 'rope_factors_short.weight' },
      longFactors: { tensor: 'rope_factors_long.weight' },
      originalContext,
      attentionFactor: magnitude,
    };
  const factor = fields.number('rope.scaling.factor') ?? fields.number('rope.scale_linear') ?? 1;
  const type = fields.string('rope.scaling.type') ?? 'linear';
  if (type === 'none' || type === 'longrope' || factor === 0 || factor === 1) return undefined;
  if (type === 'linear') return { kind: 'linear', factor };
  if (type !== 'yarn') throw fields.unsupported(`rope scaling '${type}'`);
  return {
    kind: 'yarn',
    factor,
    originalContext,
    betaFast: fields.number('rope.scaling.yarn_beta_fast') ?? 32,
    betaSlow: fields.number('rope.scaling.yarn_beta_slow') ?? 1,
    attentionFactor: magnitude * (0.1 * Math.log(factor) + 1),
  };
}

function rope(fields: Fields, headSize: number, contextLength: number): Rope {
  const scaling = ropeScaling(fields, contextLength);
  return {
    // Converters reorder the rows of a Llama's queries and keys for it, and of no other's.
    style: fields.architecture === 'llama' ? 'interleaved' : 'halves',
    dims: fields.number('rope.dimension_count') ?? headSize,
    theta: fields.number('rope.freq_base') ?? DEFAULT_THETA,
    ...(fields.architecture === 'gemma3' && {
      localTheta: fields.number('rope.freq_base_swa') ?? GEMMA3_LOCAL_THETA,
    }),
    ...(scaling && { scaling }),
    ...(!scaling && fields.hasTensor('rope_freqs.weight') && { factors: { tensor: 'rope_freqs.weight' } }),
  };
}

function windows(fields: Fields, layers: number): Pick<ModelConfig, 'slidingWindow' | 'windowLayers'> {
  const slidingWindow = fields.number('attention.sliding_window') ?? 0;
  if (slidingWindow === 0) return { windowLayers: Array<boolean>(layers).fill(false) };
  const key = `${fields.architecture}.attention.sliding_window_pattern`;
  const stored = fields.metadata.values.get(key);
  if (ArrayBuffer.isView(stored)) {
    const flags = Array.from(stored as ArrayLike<number | bigint>, Boolean);
    if (flags.length !== layers)
      throw new ComputeError('INVALID_FILE', `${fields.path}: '${key}' must have ${layers} values`);
    return { slidingWindow, windowLayers: flags };
  }
  const pattern = fields.metadata.number(key) ?? (fields.architecture === 'gemma3' ? GEMMA3_PATTERN : 0);
  const windowLayers = Array.from({ length: layers }, (_, i) => pattern === 0 || (i + 1) % pattern !== 0);
  return { slidingWindow, windowLayers };
}

function endIds({ metadata }: Fields, vocabulary: number): number[] {
  const ids = ['eos', 'eot', 'eom'].map((name) => metadata.number(`tokenizer.ggml.${name}_token_id`));
  const tokens = metadata.strings('tokenizer.ggml.tokens');
  const types = metadata.numbers('tokenizer.ggml.token_type');
  for (let id = 0; tokens && types && id < Math.min(tokens.length, types.length); id++)
    if (CONTROL_TOKENS.includes(Number(types[id])) && END_TEXTS.has(tokens.at(id))) ids.push(id);
  return [...new Set(ids.filter((id): id is number => id !== undefined && id >= 0 && id < vocabulary))];
}

/** What the tokenizer of a file does where the file does not say it. */
function addsBegin(metadata: GgufMetadata): boolean {
  const said = metadata.boolean('tokenizer.ggml.add_bos_token');
  if (said !== undefined) return said;
  const isLlama3 = ['llama3', 'llama-v3', 'llama-bpe'].includes(metadata.string('tokenizer.ggml.pre') ?? '');
  return metadata.string('tokenizer.ggml.model') === 'llama' || isLlama3;
}

function vocabularyOf(gguf: Gguf, fields: Fields): number {
  const embedding = gguf.tensors.find(({ name }) => name === 'token_embd.weight');
  const size = embedding?.rows ?? gguf.metadata.strings('tokenizer.ggml.tokens')?.length;
  return size ?? fields.required('vocab_size');
}

function poolingOf(fields: Fields): 'mean' | 'last' | undefined {
  const number = fields.number('pooling_type') ?? 0;
  const pooling = POOLING[number] ?? `number ${number}`;
  if (pooling === 'none') return undefined;
  if (pooling === 'mean' || pooling === 'last') return pooling;
  throw fields.unsupported(`pooling '${pooling}'`);
}

function tokens(fields: Fields, vocabulary: number): Pick<ModelConfig, 'endIds' | 'beginId' | 'addBegin'> {
  const begin = fields.metadata.number('tokenizer.ggml.bos_token_id');
  const beginId = begin !== undefined && begin < vocabulary ? begin : undefined;
  return {
    endIds: endIds(fields, vocabulary),
    ...(beginId !== undefined && { beginId }),
    addBegin: beginId !== undefined && addsBegin(fields.metadata),
  };
}

function build(gguf: Gguf, architecture: Architecture): ModelConfig {
  const fields = new Fields(gguf, architecture);
  checkSupported(fields);
  const isGemma = architecture === 'gemma3';
  const layers = checkLayers(gguf.path, fields.required('block_count'));
  const dimensions = fields.required('embedding_length');
  const heads = fields.required('attention.head_count');
  const headSize = fields.number('attention.key_length') ?? dimensions / heads;
  if ((fields.number('attention.value_length') ?? headSize) !== headSize)
    throw fields.unsupported('values of another size than keys');
  const contextLength = fields.required('context_length');
  const vocabulary = vocabularyOf(gguf, fields);
  const pooling = poolingOf(fields);
  return {
    architecture,
    layers,
    dimensions,
    feedForward: fields.required('feed_forward_length'),
    heads,
    kvHeads: fields.number('attention.head_count_kv') ?? heads,
    headSize,
    vocabulary,
    contextLength,
    epsilon: fields.required('attention.layer_norm_rms_epsilon'),
    activation: isGemma ? 'gelu' : 'silu',
    rope: rope(fields, headSize, contextLength),
    ...windows(fields, layers),
    attentionScale: 1 / Math.sqrt(isGemma && layers === GEMMA3_27B_LAYERS ? dimensions / heads : headSize),
    qkNorm: isGemma || architecture === 'qwen3',
    attentionBias: ['attn_q', 'attn_qkv'].some((part) => fields.hasTensor(`blk.0.${part}.bias`)),
    postNorms: isGemma,
    tiedEmbedding: !fields.hasTensor('output.weight'),
    embeddingScale: isGemma ? Math.sqrt(dimensions) : 1,
    normOffset: 0,
    ...(pooling && { pooling }),
    ...tokens(fields, vocabulary),
  };
}

/** Throws `ComputeError`: `UNSUPPORTED` for another architecture, `INVALID_FILE` for values that are missing or wrong. */
export function configFromGguf(gguf: Gguf): ModelConfig {
  const name = gguf.metadata.string('general.architecture');
  if (name === undefined) throw new ComputeError('INVALID_FILE', `${gguf.path}: 'general.architecture' is missing`);
  const architecture = KNOWN.find((known) => known === name);
  if (!architecture)
    throw new ComputeError('UNSUPPORTED', `${gguf.path}: models of architecture '${name.slice(0, 80)}'`, {
      suggestion: `known are ${KNOWN.join(', ')}`,
    });
  return checkConfig(gguf.path, build(gguf, architecture));
}
