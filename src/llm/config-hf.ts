// The configuration of a model in a Hugging Face folder: config.json of Transformers 4 and 5.
import { JsonFields, type JsonObject } from '../formats/json-file.js';
import { ComputeError } from '../runtime/errors.js';
import { type Architecture, checkConfig, checkLayers, type ModelConfig } from './config.js';
import { ropeFromHf } from './rope-hf.js';

/** What stands beside config.json; each may be missing. */
interface FolderFiles {
  readonly generation?: JsonObject;
  readonly tokenizer?: JsonObject;
  /** 1_Pooling/config.json of a sentence-transformers model. */
  readonly pooling?: JsonObject;
}

const BY_MODEL_TYPE: ReadonlyMap<string, Architecture> = new Map([
  ['llama', 'llama'],
  ['mistral', 'mistral'],
  ['qwen2', 'qwen2'],
  ['qwen3', 'qwen3'],
  ['gemma3', 'gemma3'],
  ['gemma3_text', 'gemma3'],
  ['phi3', 'phi3'],
]);

/** Transformers' own values of what config.json may leave out; of Gemma 3 it often leaves out nearly all. */
const DEFAULTS: Readonly<Partial<Record<Architecture, JsonObject>>> = {
  qwen3: { head_dim: 128 },
  gemma3: {
    vocab_size: 262208,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131072,
    sliding_window: 4096,
    query_pre_attn_scalar: 256,
    hidden_activation: 'gelu_pytorch_tanh',
    tie_word_embeddings: true,
  },
};
const DEFAULT_EPSILON = 1e-6;
const GEMMA3_PATTERN = 6;
const QWEN_FULL_LAYERS = 28;
const ACTIVATIONS: ReadonlyMap<string, 'silu' | 'gelu'> = new Map([
  ['silu', 'silu'],
  ['swish', 'silu'],
  ['gelu_pytorch_tanh', 'gelu'],
  ['gelu_new', 'gelu'],
]);

const unsupported = (path: string, what: string, suggestion?: string) =>
  new ComputeError('UNSUPPORTED', `${path}: ${what}`, suggestion ? { suggestion } : {});

function architectureOf(root: JsonFields): Architecture {
  const type = root.string('model_type');
  if (type === undefined) throw new ComputeError('INVALID_FILE', `${root.path}: 'model_type' is missing`);
  const architecture = BY_MODEL_TYPE.get(type);
  if (architecture) return architecture;
  throw unsupported(
    root.path,
    `models of type '${type.slice(0, 80)}'`,
    `known are ${[...BY_MODEL_TYPE.keys()].join(', ')}`,
  );
}

/** Refuses what would silently compute something else. */
function checkSupported(root: JsonFields, text: JsonFields): void {
  for (const fields of [root, text]) {
    const quantization = fields.object('quantization_config');
    if (!quantization) continue;
    const method = quantization.string('quant_method') ?? 'an unknown method';
    throw unsupported(
      fields.path,
      `weights quantized by ${method.slice(0, 80)}`,
      'take the model without quantization and quantize it when loading, or a GGUF file',
    );
  }
  for (const key of ['attn_logit_softcapping', 'final_logit_softcapping'])
    if (text.number(key) !== undefined) throw unsupported(text.path, `'${key}'`);
  for (const key of ['attention_bias', 'mlp_bias', 'use_bidirectional_attention'])
    if (text.boolean(key)) throw unsupported(text.path, `'${key}'`);
}

function activationOf(text: JsonFields): 'silu' | 'gelu' {
  const name = text.string('hidden_activation') ?? text.string('hidden_act') ?? 'silu';
  const activation = ACTIVATIONS.get(name);
  if (!activation) throw unsupported(text.path, `the activation '${name.slice(0, 80)}'`);
  return activation;
}

/** Which layers have a window where the file does not list them. */
function defaultWindow(text: JsonFields, architecture: Architecture): (layer: number) => boolean {
  if (architecture === 'gemma3') {
    const pattern = text.number('sliding_window_pattern') ?? text.number('_sliding_window_pattern') ?? GEMMA3_PATTERN;
    return (layer) => (layer + 1) % pattern !== 0;
  }
  if (architecture === 'mistral' || architecture === 'phi3') return () => true;
  const first = text.number('max_window_layers') ?? QWEN_FULL_LAYERS;
  return (layer) => architecture !== 'llama' && layer >= first;
}

function windowsOf(
  text: JsonFields,
  architecture: Architecture,
  layers: number,
): Pick<ModelConfig, 'slidingWindow' | 'windowLayers'> {
  const slidingWindow = text.number('sliding_window');
  const optional = architecture === 'qwen2' || architecture === 'qwen3';
  if (slidingWindow === undefined || (optional && !text.boolean('use_sliding_window')))
    return { windowLayers: Array<boolean>(layers).fill(false) };
  const types = text.strings('layer_types');
  if (!types)
    return {
      slidingWindow,
      windowLayers: Array.from({ length: layers }, (_, i) => defaultWindow(text, architecture)(i)),
    };
  if (types.length !== layers)
    throw new ComputeError(
      'INVALID_FILE',
      `${text.path}: 'layer_types' must have ${layers} values, got ${types.length}`,
    );
  const other = types.find((type) => type !== 'sliding_attention' && type !== 'full_attention');
  if (other !== undefined) throw unsupported(text.path, `layers with '${other.slice(0, 80)}'`);
  return { slidingWindow, windowLayers: types.map((type) => type === 'sliding_attention') };
}

/** One id or a list of them. */
function idsOf(fields: JsonFields | undefined, key: string): number[] | undefined {
  const value = fields?.value(key);
  if (value === undefined) return undefined;
  return typeof value === 'number' ? [value] : fields?.numbers(key);
}

function tokensOf(text: JsonFields, root: JsonFields, files: FolderFiles, vocabulary: number) {
  const generation = files.generation && new JsonFields(`${root.path} (generation_config.json)`, files.generation);
  const tokenizer = files.tokenizer && new JsonFields(`${root.path} (tokenizer_config.json)`, files.tokenizer);
  const first = (key: string) => idsOf(generation, key) ?? idsOf(root, key) ?? idsOf(text, key) ?? [];
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabulary;
  const beginId = first('bos_token_id').find(isId);
  const addBegin = tokenizer?.boolean('add_bos_token');
  return {
    endIds: [...new Set(first('eos_token_id').filter(isId))],
    ...(beginId !== undefined && { beginId }),
    ...(addBegin !== undefined && { addBegin: addBegin && beginId !== undefined }),
  };
}

function poolingOf(path: string, json: JsonObject | undefined): 'mean' | 'last' | undefined {
  if (!json) return undefined;
  const fields = new JsonFields(path, json);
  if (fields.boolean('pooling_mode_mean_tokens')) return 'mean';
  if (fields.boolean('pooling_mode_lasttoken')) return 'last';
  throw unsupported(path, 'pooling that is neither the mean nor the last token');
}

function sizesOf(text: JsonFields) {
  const dimensions = text.required('hidden_size');
  const heads = text.required('num_attention_heads');
  return {
    layers: checkLayers(text.path, text.required('num_hidden_layers')),
    dimensions,
    feedForward: text.required('intermediate_size'),
    heads,
    kvHeads: text.number('num_key_value_heads') ?? heads,
    headSize: text.number('head_dim') ?? dimensions / heads,
    vocabulary: text.required('vocab_size'),
    contextLength: text.required('max_position_embeddings'),
  };
}

/** `path` is for errors. Throws `ComputeError`: `UNSUPPORTED` for what is not known, `INVALID_FILE` for what is wrong. */
export function configFromHf(path: string, json: JsonObject, files: FolderFiles = {}): ModelConfig {
  const root = new JsonFields(path, json);
  const architecture = architectureOf(root);
  const inner = root.object('text_config')?.json ?? json;
  const given = Object.entries(inner).filter(([, value]) => value !== null);
  const text = new JsonFields(path, { ...DEFAULTS[architecture], ...Object.fromEntries(given) });
  checkSupported(root, text);
  const sizes = sizesOf(text);
  const isGemma = architecture === 'gemma3';
  const pooling = poolingOf(path, files.pooling);
  return checkConfig(path, {
    architecture,
    ...sizes,
    epsilon: text.number('rms_norm_eps') ?? DEFAULT_EPSILON,
    activation: activationOf(text),
    rope: ropeFromHf(text, architecture, sizes),
    ...windowsOf(text, architecture, sizes.layers),
    attentionScale: 1 / Math.sqrt(isGemma ? text.required('query_pre_attn_scalar') : sizes.headSize),
    qkNorm: isGemma || architecture === 'qwen3',
    attentionBias: architecture === 'qwen2',
    postNorms: isGemma,
    tiedEmbedding: text.boolean('tie_word_embeddings') ?? false,
    embeddingScale: isGemma ? Math.sqrt(sizes.dimensions) : 1,
    normOffset: isGemma ? 1 : 0,
    ...(pooling && { pooling }),
    ...tokensOf(text, root, files, sizes.vocabulary),
  });
}
