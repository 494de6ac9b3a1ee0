// Small models for tests of the readers: as GGUF and as a Hugging Face folder. Their weights are zeros.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  f32,
  i32s,
  string,
  strings,
  u32,
  type WrittenFile,
  type WrittenTensor,
  type WrittenValue,
} from '../support/gguf-writer.js';

export const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
/** Why tests on models that lie beside the checkout are skipped, where they do not. */
export const MODELS_MISSING = existsSync(join(SHARED, 'data/architectures')) ? undefined : `no models in ${SHARED}`;

const LAYERS = 2;
const DIMENSIONS = 64;
const FEED_FORWARD = 96;
const VOCABULARY = 8;
const HEADS = 4;
const KV_HEADS = 2;
const HEAD_SIZE = DIMENSIONS / HEADS;

type Metadata = Record<string, WrittenValue>;

function layer(index: number, type: string): WrittenTensor[] {
  const keys = KV_HEADS * HEAD_SIZE;
  const tensor = (name: string, of: string, ...shape: number[]) => ({
    name: `blk.${index}.${name}.weight`,
    type: of,
    shape,
  });
  return [
    tensor('attn_norm', 'F32', DIMENSIONS),
    tensor('attn_q', type, DIMENSIONS, DIMENSIONS),
    tensor('attn_k', type, keys, DIMENSIONS),
    tensor('attn_v', type, keys, DIMENSIONS),
    tensor('attn_output', type, DIMENSIONS, DIMENSIONS),
    tensor('ffn_norm', 'F32', DIMENSIONS),
    tensor('ffn_gate', type, FEED_FORWARD, DIMENSIONS),
    tensor('ffn_up', type, FEED_FORWARD, DIMENSIONS),
    tensor('ffn_down', type, DIMENSIONS, FEED_FORWARD),
  ];
}

export interface SmallGguf {
  readonly architecture?: string;
  readonly type?: string;
  /** Added to, or instead of, what is there. */
  readonly metadata?: Metadata;
  /** Keys that are left out. */
  readonly without?: readonly string[];
  readonly tensors?: (tensors: WrittenTensor[]) => WrittenTensor[];
}

/** A Llama of two layers. */
export function smallGguf(options: SmallGguf = {}): WrittenFile {
  const { architecture = 'llama', type = 'Q8_0', metadata = {}, without = [], tensors = (all) => all } = options;
  const values: Metadata = {
    'general.architecture': string(architecture),
    'general.name': string('small'),
    [`${architecture}.block_count`]: u32(LAYERS),
    [`${architecture}.context_length`]: u32(128),
    [`${architecture}.embedding_length`]: u32(DIMENSIONS),
    [`${architecture}.feed_forward_length`]: u32(FEED_FORWARD),
    [`${architecture}.attention.head_count`]: u32(HEADS),
    [`${architecture}.attention.head_count_kv`]: u32(KV_HEADS),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: f32(1e-5),
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.tokens': strings(['a', 'b', 'ü', '', 'long text', '<s>', '<|im_end|>', '<|end|>']),
    'tokenizer.ggml.token_type': i32s([1, 1, 1, 1, 1, 3, 3, 1]),
    'tokenizer.ggml.bos_token_id': u32(5),
    'tokenizer.ggml.eos_token_id': u32(1),
    ...metadata,
  };
  for (const key of without) delete values[key];
  const matrix = (name: string) => ({ name, type, shape: [VOCABULARY, DIMENSIONS] });
  return {
    metadata: Object.entries(values),
    tensors: tensors([
      matrix('token_embd.weight'),
      { name: 'output_norm.weight', type: 'F32', shape: [DIMENSIONS] },
      ...Array.from({ length: LAYERS }, (_, index) => layer(index, type)).flat(),
    ]),
  };
}

export interface SafetensorsSpec {
  readonly dtype: string;
  readonly shape: readonly number[];
}

const DTYPE_BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4 };

/** A safetensors file of zeros. */
export function safetensors(tensors: Readonly<Record<string, SafetensorsSpec>>): Buffer {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const bytes = shape.reduce((product, side) => product * side, DTYPE_BYTES[dtype]);
    header[name] = { dtype, shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(at)]);
}

/** config.json of the same Llama, and its tensors. */
export const SMALL_CONFIG: Readonly<Record<string, unknown>> = {
  model_type: 'llama',
  hidden_size: DIMENSIONS,
  intermediate_size: FEED_FORWARD,
  num_hidden_layers: 1,
  num_attention_heads: HEADS,
  num_key_value_heads: KV_HEADS,
  vocab_size: VOCABULARY,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

const bf16 = (...shape: number[]): SafetensorsSpec => ({ dtype: 'BF16', shape });

export const SMALL_TENSORS: Readonly<Record<string, SafetensorsSpec>> = {
  'model.embed_tokens.weight': bf16(VOCABULARY, DIMENSIONS),
  'model.norm.weight': bf16(DIMENSIONS),
  'model.layers.0.input_layernorm.weight': bf16(DIMENSIONS),
  'model.layers.0.self_attn.q_proj.weight': bf16(DIMENSIONS, DIMENSIONS),
  'model.layers.0.self_attn.k_proj.weight': bf16(KV_HEADS * HEAD_SIZE, DIMENSIONS),
  'model.layers.0.self_attn.v_proj.weight': bf16(KV_HEADS * HEAD_SIZE, DIMENSIONS),
  'model.layers.0.self_attn.o_proj.weight': bf16(DIMENSIONS, DIMENSIONS),
  'model.layers.0.post_attention_layernorm.weight': bf16(DIMENSIONS),
  'model.layers.0.mlp.gate_proj.weight': bf16(FEED_FORWARD, DIMENSIONS),
  'model.layers.0.mlp.up_proj.weight': bf16(FEED_FORWARD, DIMENSIONS),
  'model.layers.0.mlp.down_proj.weight': bf16(DIMENSIONS, FEED_FORWARD),
};

/** Writes a folder of that Llama; values are files' contents, JSON where they are objects. */
export function writeFolder(folder: string, files: Readonly<Record<string, unknown>> = {}): string {
  mkdirSync(folder, { recursive: true });
  const all: Record<string, unknown> = {
    'config.json': SMALL_CONFIG,
    'model.safetensors': safetensors(SMALL_TENSORS),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    if (content === undefined) continue;
    const bytes = Buffer.isBuffer(content) || typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}
