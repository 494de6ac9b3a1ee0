// Random weights in the layout of shaders-vulkan/common/weights.glsl, with the numbers that they stand for.
import { SCALINGS, WEIGHT_KINDS, type WeightKind, type WeightScaling } from '../../src/nn/weights.js';
import type { Random } from './random.js';

export interface TileShape {
  readonly kind: WeightKind;
  readonly scaling: WeightScaling;
  readonly rows: number;
  readonly columns: number;
}

export interface WeightTiles {
  readonly quants: Uint32Array;
  readonly scales: Uint32Array;
  /** [rows, columns] */
  readonly numbers: Float64Array;
  readonly constants: { readonly kind: number; readonly scaling: number };
}

export const blocksOf = (columns: number): number => Math.ceil(columns / 32);

/** Bits of the nearest half of a number within its range; ties go to even. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
  const steps = magnitude / 2 ** (exponent - 10);
  const floor = Math.floor(steps);
  const up = steps - floor > 0.5 || (steps - floor === 0.5 && floor % 2 === 1);
  return sign | (floor + (up ? 1 : 0) + (exponent + 14) * 1024);
}

export function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const magnitude = exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** Row-major rows as halves, two to a word, and the numbers that are left of them. */
export function halvesOf(numbers: ArrayLike<number>): { words: Uint32Array; numbers: Float64Array } {
  const halves = Uint16Array.from(numbers, toHalf);
  return { words: new Uint32Array(halves.buffer), numbers: Float64Array.from(halves, fromHalf) };
}

interface Tiles {
  readonly bytes: DataView;
  readonly scaleBytes: DataView;
  readonly blocks: number;
}

type Put = (row: number, column: number) => number;

const CHUNKS: Readonly<Record<WeightKind, number>> = { f32: 8, f16: 4, bf16: 4, int8: 2, int4: 1 };

/** Writes one weight, a random one, and returns its number (dense kinds) or its quant. */
function putter({ bytes, blocks }: Tiles, kind: WeightKind, random: Random): Put {
  const chunkAt = (row: number, block: number, chunk: number) =>
    (((Math.floor(row / 32) * blocks + block) * CHUNKS[kind] + chunk) * 32 + (row % 32)) * 16;
  return (row, column) => {
    const [block, i] = [Math.floor(column / 32), column % 32];
    const perChunk = 32 / CHUNKS[kind];
    const at = chunkAt(row, block, Math.floor(i / perChunk));
    if (kind === 'int4') {
      const quant = random.below(16);
      bytes.setUint8(at + (i % 16), bytes.getUint8(at + (i % 16)) | (quant << (i < 16 ? 0 : 4)));
      return quant;
    }
    if (kind === 'int8') {
      const quant = random.below(256) - 128;
      bytes.setInt8(at + (i % 16), quant);
      return quant;
    }
    const value = random.normal();
    if (kind === 'f32') {
      bytes.setFloat32(at + (i % 4) * 4, value, true);
      return Math.fround(value);
    }
    const half = kind === 'f16' ? toHalf(value) : new Uint32Array(Float32Array.of(value).buffer)[0] >>> 16;
    bytes.setUint16(at + (i % 8) * 2, half, true);
    return kind === 'f16' ? fromHalf(half) : new Float32Array(Uint32Array.of(half << 16).buffer)[0];
  };
}

/** Writes random scales of a row's block; returns what turns quant i into a number. */
function scaler({ scaleBytes, blocks }: Tiles, { kind, scaling }: TileShape, random: Random) {
  const half = (at: number, value: number) => {
    scaleBytes.setUint16(at, toHalf(value), true);
    return fromHalf(toHalf(value));
  };
  const positive = () => (0.5 + random.uniform()) / (kind === 'int4' ? 8 : 128);
  return (row: number, block: number): ((quant: number, i: number) => number) => {
    if (scaling === 'none') return (quant) => quant;
    const quad = (Math.floor(row / 32) * Math.ceil(blocks / 4) + Math.floor(block / 4)) * 32 + (row % 32);
    const b = block % 4;
    if (scaling === 'symmetric') {
      const scale = half(quad * 8 + b * 2, positive() * (random.below(2) * 2 - 1));
      return (quant) => scale * (quant - (kind === 'int4' ? 8 : 0));
    }
    if (scaling === 'affine') {
      const scale = half(quad * 16 + b * 4, positive());
      const minimum = half(quad * 16 + b * 4 + 2, -random.uniform());
      return (quant) => scale * quant + minimum;
    }
    const at = quad * 16 + b * 2;
    const factors =
      scaling === 'super16' ? [random.below(256) - 128, random.below(256) - 128] : [random.below(64), random.below(64)];
    for (const [i, factor] of factors.entries()) scaleBytes.setUint8(at + i, factor & 255);
    // The super scales of a quad are written with its first block and stay.
    const kept = (offset: number, value: () => number) => {
      if (b === 0) half(quad * 16 + offset, value());
      return fromHalf(scaleBytes.getUint16(quad * 16 + offset, true));
    };
    const scale = kept(8, () => positive() / 32);
    const minimum = kept(10, () => random.uniform() / 32);
    if (scaling === 'super16') return (quant, i) => scale * factors[i < 16 ? 0 : 1] * quant;
    return (quant) => scale * factors[0] * quant - minimum * factors[1];
  };
}

/** Rows past the last of a tile and columns past the last of a block are zero quants. */
export function randomTiles(random: Random, shape: TileShape): WeightTiles {
  const { kind, scaling, rows, columns } = shape;
  const blocks = blocksOf(columns);
  const padded = Math.ceil(rows / 32) * 32;
  const quants = new Uint32Array(padded * blocks * CHUNKS[kind] * 4);
  const quadWords = scaling === 'none' ? 0 : scaling === 'symmetric' ? 2 : 4;
  const scales = new Uint32Array(Math.max(2, padded * Math.ceil(blocks / 4) * quadWords));
  const tiles = { bytes: new DataView(quants.buffer), scaleBytes: new DataView(scales.buffer), blocks };
  const put = putter(tiles, kind, random);
  const scale = scaler(tiles, shape, random);
  const numbers = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const number = scale(row, block);
      for (let i = 0; i < Math.min(32, columns - block * 32); i++) {
        numbers[row * columns + block * 32 + i] = number(put(row, block * 32 + i), i);
      }
    }
  }
  return {
    quants,
    scales,
    numbers,
    constants: { kind: WEIGHT_KINDS.indexOf(kind), scaling: SCALINGS.indexOf(scaling) },
  };
}
