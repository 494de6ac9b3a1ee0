// GGUF files of random transformers.
import { writeFileSync } from 'node:fs';
import { f32, ggufFile, string, u32, type WrittenTensor } from '../support/gguf-writer.js';
import { dequantize } from '../support/quant-blocks.js';
import { MATRICES, type Matrix, type RandomTransformer } from '../support/transformer.js';
import { toHalf } from '../support/weight-tiles.js';

const NAMES = {
  q: 'attn_q',
  k: 'attn_k',
  v: 'attn_v',
  o: 'attn_output',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
};

/** Blocks of Q8_0, and the numbers that they stand for. */
export function roundedToQ8(matrix: Matrix): { matrix: Matrix; data: Uint8Array } {
  const { numbers } = matrix;
  const bytes = Buffer.alloc((numbers.length / 32) * 34);
  for (let block = 0; block * 32 < numbers.length; block++) {
    const values = Array.from({ length: 32 }, (_, i) => numbers[block * 32 + i]);
    const scale = Math.max(...values.map(Math.abs)) / 127;
    bytes.writeUInt16LE(toHalf(scale), block * 34);
    for (const [i, value] of values.entries())
      bytes.writeInt8(Math.max(-127, Math.min(127, Math.round(value / scale))), block * 34 + 2 + i);
  }
  return { matrix: { ...matrix, numbers: dequantize('Q8_0', bytes) }, data: bytes };
}

const plain = (name: string, shape: readonly number[], numbers: ArrayLike<number>): WrittenTensor => ({
  name,
  type: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from(numbers).buffer),
});

/** Writes the model; matrices of its layers as Q8_0 where it is said. Returns it with the numbers that are in the file. */
export function writeTransformer(
  path: string,
  model: RandomTransformer,
  options: { context: number; layers?: 'F32' | 'Q8_0' },
): RandomTransformer {
  const { dimensions, vocabulary, embedding, finalNorm } = model;
  const tensors = [plain('token_embd.weight', [vocabulary, dimensions], embedding.numbers)];
  tensors.push(plain('output_norm.weight', [dimensions], finalNorm));
  const parts = model.parts.map((part, index) => {
    const written = { ...part };
    tensors.push(plain(`blk.${index}.attn_norm.weight`, [dimensions], part.attentionNorm));
    tensors.push(plain(`blk.${index}.ffn_norm.weight`, [dimensions], part.feedForwardNorm));
    for (const which of MATRICES) {
      const name = `blk.${index}.${NAMES[which]}.weight`;
      const { rows, columns, numbers } = part[which];
      const shape = [rows, columns];
      const rounded = options.layers === 'Q8_0' ? roundedToQ8(part[which]) : undefined;
      tensors.push(rounded ? { name, type: 'Q8_0', shape, data: rounded.data } : plain(name, shape, numbers));
      if (rounded) written[which] = rounded.matrix;
    }
    return written;
  });
  const metadata = {
    'general.architecture': string('llama'),
    'llama.block_count': u32(model.layers),
    'llama.context_length': u32(options.context),
    'llama.embedding_length': u32(dimensions),
    'llama.feed_forward_length': u32(model.feedForward),
    'llama.attention.head_count': u32(model.heads),
    'llama.attention.head_count_kv': u32(model.kvHeads),
    'llama.attention.key_length': u32(model.headSize),
    'llama.attention.value_length': u32(model.headSize),
    'llama.attention.layer_norm_rms_epsilon': f32(model.epsilon),
    'llama.rope.dimension_count': u32(model.headSize),
    'llama.rope.freq_base': f32(model.theta),
  };
  writeFileSync(path, ggufFile({ metadata: Object.entries(metadata), tensors }));
  return { ...model, parts };
}
