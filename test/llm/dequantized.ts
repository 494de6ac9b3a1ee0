// A GGUF file's model with its weights as plain numbers, for telling rounding of activations from errors. No tokenizer.
import { readFileSync, writeFileSync } from 'node:fs';
import { readGguf } from '../../src/formats/gguf.js';
import { f32, ggufFile, string, u32 } from '../support/gguf-writer.js';
import { type BlockType, dequantize } from '../support/quant-blocks.js';

const WHOLE_NUMBERS = [
  'block_count',
  'context_length',
  'embedding_length',
  'feed_forward_length',
  'attention.head_count',
  'attention.head_count_kv',
  'rope.dimension_count',
];

/** Writes the Llama of `from` to `to`. */
export async function dequantized(from: string, to: string): Promise<string> {
  const { metadata, tensors } = await readGguf(from);
  const bytes = readFileSync(from);
  const numberOf = (key: string) => Number(metadata.number(`llama.${key}`));
  const file = ggufFile({
    metadata: [
      ['general.architecture', string('llama')],
      ...WHOLE_NUMBERS.map((key) => [`llama.${key}`, u32(numberOf(key))] as const),
      ['llama.attention.layer_norm_rms_epsilon', f32(numberOf('attention.layer_norm_rms_epsilon'))],
      ['llama.rope.freq_base', f32(numberOf('rope.freq_base'))],
    ],
    tensors: tensors.map(({ name, type, shape, offset, bytes: length }) => {
      const data = Uint8Array.from(bytes.subarray(offset, offset + length));
      if (type === 'F32') return { name, type, shape, data };
      const numbers = Float32Array.from(dequantize(type as BlockType, data));
      return { name, type: 'F32', shape, data: new Uint8Array(numbers.buffer) };
    }),
  });
  writeFileSync(to, file);
  return to;
}
