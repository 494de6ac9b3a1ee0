// node dist-bench/test/bench/random-gguf.js PRESET q4_0|q8_0|f16 FILE: a model of real shapes and random weights.
// A block of random numbers is repeated, each tensor from another place on: never zeros, as fast as the disk.
import { closeSync, openSync, writeSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { GGUF_TYPE_NUMBERS, GGUF_TYPES } from '../../src/formats/gguf-types.js';
import { aligned, ggufHeader, tensorBytes, type WrittenTensor } from '../support/gguf-writer.js';
import { Random } from '../support/random.js';
import { toHalf } from '../support/weight-tiles.js';
import { MODEL_SHAPES, modelOf } from './model-shapes.js';

const CHUNK_BYTES = 16 << 20;
const ALIGNMENT = 32;
const SEED = 1;
/** Standard deviation of a block's integers, which are uniform: a scale divided by it gives weights of that scale. */
const SPREADS: Readonly<Record<string, number>> = { Q4_0: 4.6, Q8_0: 74 };
const QUANTS = { q4_0: 'Q4_0', q8_0: 'Q8_0', f16: 'F16' } as const;
export type RandomType = keyof typeof QUANTS;

/** Random blocks of a type whose weights are about as large as `scale`. */
function randomChunk(type: string, scale: number): Buffer {
  const random = new Random(SEED);
  const { blockBytes } = GGUF_TYPES.get(GGUF_TYPE_NUMBERS.get(type) as number)!;
  const chunk = Buffer.alloc(Math.floor(CHUNK_BYTES / blockBytes) * blockBytes);
  const words = new Uint32Array(chunk.buffer, chunk.byteOffset, chunk.length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = random.word();
  if (type === 'F16') {
    // Every pattern of 10 bits and a sign, in the two powers of two about the scale.
    const exponents = toHalf(scale) & 0x7c00;
    const halves = new Uint16Array(chunk.buffer, chunk.byteOffset, chunk.length >> 1);
    for (let i = 0; i < halves.length; i++) halves[i] = (halves[i] & 0x83ff) | (exponents - (halves[i] & 0x400));
    return chunk;
  }
  const scales = Array.from({ length: 64 }, (_, i) => toHalf((scale / SPREADS[type]) * (0.9 + i / 320)));
  for (let i = 0, at = 0; at < chunk.length; i++, at += blockBytes) chunk.writeUInt16LE(scales[i % 64], at);
  return chunk;
}

/** Writes `bytes` of a chunk over and over, from block `first` on. */
function writeRepeated(file: number, chunk: Buffer, start: number, bytes: number): void {
  for (let at = start, left = bytes; left > 0; at = 0) {
    const length = Math.min(left, chunk.length - at);
    for (let done = 0; done < length; ) done += writeSync(file, chunk, at + done, length - done);
    left -= length;
  }
}

function ones(count: number): Buffer {
  const data = new Float32Array(count).fill(1);
  return Buffer.from(data.buffer);
}

/** Writes a model; returns its bytes. */
export function writeRandomGguf(path: string, preset: string, quant: RandomType): number {
  const shape = MODEL_SHAPES[preset];
  const type = QUANTS[quant];
  if (!shape) throw new RangeError(`preset must be one of ${Object.keys(MODEL_SHAPES).join(', ')}, got '${preset}'`);
  if (!type) throw new RangeError(`the type must be one of ${Object.keys(QUANTS).join(', ')}, got '${quant}'`);
  const model = modelOf(preset, shape, type);
  const chunks = new Map<string, Buffer>();
  const chunkOf = (tensor: WrittenTensor): Buffer => {
    const columns = tensor.shape[tensor.shape.length - 1];
    const key = `${tensor.type} ${columns}`;
    const made = chunks.get(key);
    if (made) return made;
    const chunk = tensor.shape.length === 1 ? ones(columns) : randomChunk(tensor.type, 1 / Math.sqrt(columns));
    chunks.set(key, chunk);
    return chunk;
  };
  const file = openSync(path, 'w');
  try {
    const header = ggufHeader(model);
    writeSync(file, header);
    let total = header.length;
    model.tensors.forEach((tensor, index) => {
      const bytes = tensorBytes(tensor);
      const { blockBytes } = GGUF_TYPES.get(GGUF_TYPE_NUMBERS.get(tensor.type) as number)!;
      const chunk = chunkOf(tensor);
      writeRepeated(file, chunk, ((index * 7919) % (chunk.length / blockBytes)) * blockBytes, bytes);
      const padding = aligned(bytes, ALIGNMENT) - bytes;
      if (padding > 0) writeSync(file, Buffer.alloc(padding));
      total += bytes + padding;
    });
    return total;
  } finally {
    closeSync(file);
  }
}

if (fileURLToPath(import.meta.url) === argv[1]) {
  const [preset, quant, path] = argv.slice(2);
  if (!path) throw new RangeError('usage: random-gguf.js PRESET q4_0|q8_0|f16 FILE');
  const start = performance.now();
  const bytes = writeRandomGguf(path, preset, quant as RandomType);
  console.log(`${path}: ${(bytes / 1e9).toFixed(2)} GB in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
