// Shapes of well-known models, for files of random weights that take the time the real ones take.
import {
  f32,
  f32s,
  i32s,
  string,
  strings,
  u32,
  type WrittenFile,
  type WrittenTensor,
  type WrittenValue,
} from '../support/gguf-writer.js';

export interface ModelShape {
  readonly architecture: 'llama' | 'gemma3';
  readonly vocabulary: number;
  readonly dimensions: number;
  readonly layers: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly theta: number;
  readonly tied: boolean;
}

function llama(sizes: Omit<ModelShape, 'architecture'>): ModelShape {
  return { architecture: 'llama', ...sizes };
}

export const MODEL_SHAPES: Readonly<Record<string, ModelShape>> = {
  tiny: llama({
    ...{ vocabulary: 32000, dimensions: 512, layers: 4, feedForward: 1536 },
    ...{ heads: 8, kvHeads: 4, headSize: 64, theta: 1e4, tied: true },
  }),
  'smollm-135m': llama({
    ...{ vocabulary: 49152, dimensions: 576, layers: 30, feedForward: 1536 },
    ...{ heads: 9, kvHeads: 3, headSize: 64, theta: 1e5, tied: true },
  }),
  'llama-1b': llama({
    ...{ vocabulary: 128256, dimensions: 2048, layers: 16, feedForward: 8192 },
    ...{ heads: 32, kvHeads: 8, headSize: 64, theta: 5e5, tied: true },
  }),
  'llama2-7b': llama({
    ...{ vocabulary: 32000, dimensions: 4096, layers: 32, feedForward: 11008 },
    ...{ heads: 32, kvHeads: 32, headSize: 128, theta: 1e4, tied: false },
  }),
  'llama-8b': llama({
    ...{ vocabulary: 128256, dimensions: 4096, layers: 32, feedForward: 14336 },
    ...{ heads: 32, kvHeads: 8, headSize: 128, theta: 5e5, tied: false },
  }),
  'gemma3-27b': {
    ...{ architecture: 'gemma3', vocabulary: 262144, dimensions: 5376, layers: 62, feedForward: 21504 },
    ...{ heads: 32, kvHeads: 16, headSize: 128, theta: 1e6, tied: true },
  },
};

const CONTEXT = 32768;
const GEMMA3_WINDOW = 1024;
const GEMMA3_ROPE_FACTOR = 8;
const FILE_TYPES: Readonly<Record<string, number>> = { F16: 1, Q4_0: 2, Q8_0: 7 };

/** A SentencePiece vocabulary that is of the right size and says nothing. */
function tokenizer(size: number): [string, WrittenValue][] {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const special = ['<unk>', '<s>', '</s>', ...bytes];
  const words = Array.from({ length: size - special.length }, (_, i) => `\u2581t${i}`);
  return [
    ['tokenizer.ggml.model', string('llama')],
    ['tokenizer.ggml.tokens', strings([...special, ...words])],
    ['tokenizer.ggml.scores', f32s(Array.from({ length: size }, (_, i) => -i))],
    ['tokenizer.ggml.token_type', i32s([2, 3, 3, ...bytes.map(() => 6), ...words.map(() => 1)])],
    ['tokenizer.ggml.bos_token_id', u32(1)],
    ['tokenizer.ggml.eos_token_id', u32(2)],
  ];
}

function metadataOf(name: string, shape: ModelShape, type: string): [string, WrittenValue][] {
  const isGemma = shape.architecture === 'gemma3';
  const entries: [string, WrittenValue][] = [
    ['block_count', u32(shape.layers)],
    ['context_length', u32(CONTEXT)],
    ['embedding_length', u32(shape.dimensions)],
    ['feed_forward_length', u32(shape.feedForward)],
    ['attention.head_count', u32(shape.heads)],
    ['attention.head_count_kv', u32(shape.kvHeads)],
    ['attention.key_length', u32(shape.headSize)],
    ['attention.value_length', u32(shape.headSize)],
    ['attention.layer_norm_rms_epsilon', f32(isGemma ? 1e-6 : 1e-5)],
    ['rope.freq_base', f32(shape.theta)],
    ['vocab_size', u32(shape.vocabulary)],
  ];
  if (isGemma) {
    entries.push(['attention.sliding_window', u32(GEMMA3_WINDOW)]);
    entries.push(['rope.scaling.type', string('linear')], ['rope.scaling.factor', f32(GEMMA3_ROPE_FACTOR)]);
  } else entries.push(['rope.dimension_count', u32(shape.headSize)]);
  return [
    ['general.architecture', string(shape.architecture)],
    ['general.name', string(name)],
    ['general.file_type', u32(FILE_TYPES[type])],
    ...entries.map(([key, value]): [string, WrittenValue] => [`${shape.architecture}.${key}`, value]),
    ...tokenizer(shape.vocabulary),
  ];
}

function layerTensors(index: number, shape: ModelShape, type: string): WrittenTensor[] {
  const { dimensions, feedForward, headSize } = shape;
  const [queries, keys] = [shape.heads * headSize, shape.kvHeads * headSize];
  const name = (part: string) => `blk.${index}.${part}.weight`;
  const matrix = (part: string, rows: number, columns: number) => ({ name: name(part), type, shape: [rows, columns] });
  const norm = (part: string, columns: number) => ({ name: name(part), type: 'F32', shape: [columns] });
  return [
    norm('attn_norm', dimensions),
    matrix('attn_q', queries, dimensions),
    matrix('attn_k', keys, dimensions),
    matrix('attn_v', keys, dimensions),
    matrix('attn_output', dimensions, queries),
    norm('ffn_norm', dimensions),
    matrix('ffn_gate', feedForward, dimensions),
    matrix('ffn_up', feedForward, dimensions),
    matrix('ffn_down', dimensions, feedForward),
    ...(shape.architecture === 'gemma3'
      ? [
          norm('attn_q_norm', headSize),
          norm('attn_k_norm', headSize),
          norm('post_attention_norm', dimensions),
          norm('post_ffw_norm', dimensions),
        ]
      : []),
  ];
}

/** Metadata and tensors of a model with all its matrices of one type; there is no data. */
export function modelOf(name: string, shape: ModelShape, type: string): WrittenFile {
  const { vocabulary, dimensions, layers } = shape;
  const matrix = (tensor: string) => ({ name: tensor, type, shape: [vocabulary, dimensions] });
  return {
    metadata: metadataOf(name, shape, type),
    tensors: [
      matrix('token_embd.weight'),
      { name: 'output_norm.weight', type: 'F32', shape: [dimensions] },
      ...(shape.tied ? [] : [matrix('output.weight')]),
      ...Array.from({ length: layers }, (_, index) => layerTensors(index, shape, type)).flat(),
    ],
  };
}
