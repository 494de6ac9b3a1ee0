// The block formats of GGUF in float64: random valid blocks, and the numbers that they stand for.
import type { SourceType } from '../../src/nn/repack.js';
import type { Random } from './random.js';
import { fromHalf } from './weight-tiles.js';

export type BlockType = Exclude<SourceType, 'F32' | 'F16' | 'BF16'>;

interface BlockFormat {
  /** The kernel's constant `format`. */
  readonly number: number;
  readonly size: number;
  readonly bytes: number;
  /** Where its halves lie. */
  readonly halves: readonly number[];
  readonly dequantize: (block: DataView, put: (index: number, value: number) => void) => void;
}

type Dequantize = BlockFormat['dequantize'];

const half = (block: DataView, at: number) => fromHalf(block.getUint16(at, true));

const q8: Dequantize = (block, put) => {
  for (let i = 0; i < 32; i++) put(i, half(block, 0) * block.getInt8(2 + i));
};

/** Nibbles from byte `at` on, the low ones first; `high` is where the fifth bits are. */
function nibbles(at: number, high: number | undefined, value: (block: DataView, quant: number) => number): Dequantize {
  return (block, put) => {
    for (let i = 0; i < 32; i++) {
      const byte = block.getUint8(at + (i % 16));
      const fifth = high === undefined ? 0 : (block.getUint8(high + Math.floor(i / 8)) >> (i % 8)) & 1;
      put(i, value(block, (i < 16 ? byte & 15 : byte >> 4) + 16 * fifth));
    }
  };
}

/** The 6-bit factors of scale and minimum of sub-block j, packed in the 12 bytes from 4 on. */
function factors(block: DataView, j: number): [number, number] {
  const byte = (i: number) => block.getUint8(4 + i);
  if (j < 4) return [byte(j) % 64, byte(j + 4) % 64];
  return [(byte(j + 4) % 16) + 16 * (byte(j - 4) >> 6), (byte(j + 4) >> 4) + 16 * (byte(j) >> 6)];
}

const super32 =
  (at: number, high: number | undefined): Dequantize =>
  (block, put) => {
    for (let i = 0; i < 256; i++) {
      const [j, l] = [Math.floor(i / 32), i % 32];
      const byte = block.getUint8(at + 32 * Math.floor(j / 2) + l);
      const fifth = high === undefined ? 0 : (block.getUint8(high + l) >> j) & 1;
      const [scale, minimum] = factors(block, j);
      const quant = (j % 2 === 0 ? byte & 15 : byte >> 4) + 16 * fifth;
      put(i, half(block, 0) * scale * quant - half(block, 2) * minimum);
    }
  };

const q6k: Dequantize = (block, put) => {
  for (let i = 0; i < 256; i++) {
    const [side, k, l] = [Math.floor(i / 128), Math.floor(i / 32) % 4, i % 32];
    const low = (block.getUint8(64 * side + 32 * (k % 2) + l) >> (k < 2 ? 0 : 4)) & 15;
    const high = (block.getUint8(128 + 32 * side + l) >> (2 * k)) & 3;
    put(i, half(block, 208) * block.getInt8(192 + Math.floor(i / 16)) * (low + 16 * high - 32));
  }
};

const symmetric = (middle: number) => (block: DataView, quant: number) => half(block, 0) * (quant - middle);
const affine = (block: DataView, quant: number) => half(block, 0) * quant + half(block, 2);

export const BLOCK_FORMATS: Readonly<Record<BlockType, BlockFormat>> = {
  Q8_0: { number: 0, size: 32, bytes: 34, halves: [0], dequantize: q8 },
  Q4_0: { number: 1, size: 32, bytes: 18, halves: [0], dequantize: nibbles(2, undefined, symmetric(8)) },
  Q4_1: { number: 2, size: 32, bytes: 20, halves: [0, 2], dequantize: nibbles(4, undefined, affine) },
  Q5_0: { number: 3, size: 32, bytes: 22, halves: [0], dequantize: nibbles(6, 2, symmetric(16)) },
  Q5_1: { number: 4, size: 32, bytes: 24, halves: [0, 2], dequantize: nibbles(8, 4, affine) },
  Q4_K: { number: 5, size: 256, bytes: 144, halves: [0, 2], dequantize: super32(16, undefined) },
  Q5_K: { number: 6, size: 256, bytes: 176, halves: [0, 2], dequantize: super32(48, 16) },
  Q6_K: { number: 7, size: 256, bytes: 210, halves: [208], dequantize: q6k },
};

export const BLOCK_TYPES = Object.keys(BLOCK_FORMATS) as BlockType[];

/** Any sign and size, zero and subnormal ones among them. */
function randomHalf(random: Random): number {
  const size = [0, random.below(0x400), random.below(0x4000), 0x2000 + random.below(0x800)][
    Math.min(3, random.below(9))
  ];
  return size + 0x8000 * random.below(2);
}

/** Bytes of `count` weights. */
export function randomBlocks(random: Random, type: BlockType, count: number): Uint8Array {
  const { size, bytes, halves } = BLOCK_FORMATS[type];
  const all = Uint8Array.from({ length: (count / size) * bytes }, () => random.below(256));
  const view = new DataView(all.buffer);
  for (let at = 0; at < all.length; at += bytes) {
    for (const offset of halves) view.setUint16(at + offset, randomHalf(random), true);
  }
  return all;
}

export function dequantize(type: BlockType, all: Uint8Array): Float64Array {
  const { size, bytes, dequantize: block } = BLOCK_FORMATS[type];
  const numbers = new Float64Array((all.length / bytes) * size);
  for (let b = 0; b * bytes < all.length; b++) {
    const view = new DataView(all.buffer, all.byteOffset + b * bytes, bytes);
    block(view, (index, value) => {
      numbers[b * size + index] = value;
    });
  }
  return numbers;
}
