// The layout of shaders-vulkan/common/weights.glsl in plain loops: what packed words stand for, and random ones.
import { blocksOf, BLOCK as SIZE, type WeightShape } from '../../src/nn/weights.js';
import { Random } from './random.js';
import { fromHalf, randomTiles } from './weight-tiles.js';

export interface PackedWeights {
  readonly quants: Uint32Array;
  readonly scales: Uint32Array;
}

export interface RandomWeights extends PackedWeights {
  /** [rows, columns] */
  readonly values: Float64Array;
}

/** Valid packed words and their numbers. */
export function randomWeights(seed: number, shape: WeightShape): RandomWeights {
  const { quants, scales, numbers } = randomTiles(new Random(seed), shape);
  return { quants, scales, values: numbers };
}

const bytesOf = (words: Uint32Array) => new DataView(words.buffer, words.byteOffset, words.byteLength);

/** The quant (or the number, for dense kinds) of one weight. */
function quantAt(quants: DataView, { kind, columns }: WeightShape, row: number, column: number): number {
  const [blocks, block, i] = [blocksOf(columns), Math.floor(column / SIZE), column % SIZE];
  const chunks = { f32: 8, f16: 4, bf16: 4, int8: 2, int4: 1 }[kind];
  const chunk = Math.floor(i / (SIZE / chunks));
  const at = (((Math.floor(row / 32) * blocks + block) * chunks + chunk) * 32 + (row % 32)) * 16;
  if (kind === 'f32') return quants.getFloat32(at + (i % 4) * 4, true);
  if (kind === 'f16') return fromHalf(quants.getUint16(at + (i % 8) * 2, true));
  if (kind === 'bf16')
    return new Float32Array(Uint32Array.of(quants.getUint16(at + (i % 8) * 2, true) << 16).buffer)[0];
  if (kind === 'int8') return quants.getInt8(at + (i % 16));
  return (quants.getUint8(at + (i % 16)) >> (i < 16 ? 0 : 4)) & 15;
}

/** (scale, minimum) of one weight. */
function scaleAt(scales: DataView, shape: WeightShape, row: number, column: number): [number, number] {
  const blocks = blocksOf(shape.columns);
  const [block, i] = [Math.floor(column / SIZE), column % SIZE];
  const quad = (Math.floor(row / 32) * Math.ceil(blocks / 4) + Math.floor(block / 4)) * 32 + (row % 32);
  const b = block % 4;
  const half = (at: number) => fromHalf(scales.getUint16(at, true));
  if (shape.scaling === 'symmetric') {
    const scale = half(quad * 8 + b * 2);
    return [scale, shape.kind === 'int4' ? -8 * scale : 0];
  }
  const at = quad * 16;
  if (shape.scaling === 'affine') return [half(at + b * 4), half(at + b * 4 + 2)];
  if (shape.scaling === 'super16') return [half(at + 8) * scales.getInt8(at + b * 2 + (i < 16 ? 0 : 1)), 0];
  return [half(at + 8) * scales.getInt8(at + b * 2), -half(at + 10) * scales.getUint8(at + b * 2 + 1)];
}

/** The numbers that packed words stand for, [rows, columns]. */
export function decodeWeights({ quants, scales }: PackedWeights, shape: WeightShape): Float64Array {
  const [quantBytes, scaleBytes] = [bytesOf(quants), bytesOf(scales)];
  const values = new Float64Array(shape.rows * shape.columns);
  for (let row = 0; row < shape.rows; row++) {
    for (let column = 0; column < shape.columns; column++) {
      const quant = quantAt(quantBytes, shape, row, column);
      const [scale, minimum] = shape.scaling === 'none' ? [1, 0] : scaleAt(scaleBytes, shape, row, column);
      values[row * shape.columns + column] = scale * quant + minimum;
    }
  }
  return values;
}
