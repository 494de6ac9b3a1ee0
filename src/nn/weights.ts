// A weight matrix on the device: tiles of 32 rows, as shaders-vulkan/common/weights.glsl lays them out.
import { checkToken, TOKEN, type Token } from '../runtime/construction.js';
import { checkDevice, type Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkInteger, checkObject, checkOneOf } from '../runtime/validate.js';

/** In the order of the kernels' constant `kind`. */
export const WEIGHT_KINDS = ['f32', 'f16', 'bf16', 'int8', 'int4'] as const;
export type WeightKind = (typeof WEIGHT_KINDS)[number];

/** In the order of the kernels' constant `scaling`. */
export const SCALINGS = ['none', 'symmetric', 'affine', 'super32', 'super16'] as const;
export type WeightScaling = (typeof SCALINGS)[number];

export const TILE_ROWS = 32;
export const BLOCK = 32;
const QUAD_BLOCKS = 4;
const CHUNKS_OF_BLOCK: Readonly<Record<WeightKind, number>> = { f32: 8, f16: 4, bf16: 4, int8: 2, int4: 1 };
const CHUNK_BYTES = 16;

export interface WeightShape {
  readonly kind: WeightKind;
  /** 'none' for f32, f16 and bf16. */
  readonly scaling: WeightScaling;
  /** Outputs; what lies between them and a multiple of 32 is zeros. */
  readonly rows: number;
  /** Inputs; what lies between them and a multiple of 32 is zeros. */
  readonly columns: number;
}

/** Tiles of a matrix that one binding holds. */
export interface WeightSegment {
  readonly firstTile: number;
  readonly tiles: number;
  readonly quants: Tensor;
  /** `quants` itself where there are no scales. */
  readonly scales: Tensor;
}

export const blocksOf = (columns: number): number => Math.ceil(columns / BLOCK);

/** Bytes of one tile. */
export function tileBytes({ kind, scaling, columns }: WeightShape): { quants: number; scales: number } {
  const blocks = blocksOf(columns);
  const quadBytes = scaling === 'none' ? 0 : scaling === 'symmetric' ? 8 : 16;
  return {
    quants: TILE_ROWS * blocks * CHUNKS_OF_BLOCK[kind] * CHUNK_BYTES,
    scales: TILE_ROWS * Math.ceil(blocks / QUAD_BLOCKS) * quadBytes,
  };
}

/** Device bytes that `Weights.allocate` takes for this shape. */
export function weightBytes(shape: WeightShape): number {
  const { quants, scales } = tileBytes(shape);
  return Math.ceil(shape.rows / TILE_ROWS) * (quants + scales);
}

/** Even, so that tiles that come in pairs (gate and up) stay together. */
function tilesOfSegment(device: Device, bytes: { quants: number; scales: number }): number {
  const most = Math.floor(device.info.maxBindingBytes / Math.max(bytes.quants, bytes.scales));
  return Math.max(1, most - (most % 2));
}

const SCALINGS_OF: Readonly<Record<WeightKind, readonly WeightScaling[]>> = {
  f32: ['none'],
  f16: ['none'],
  bf16: ['none'],
  int8: ['symmetric', 'affine', 'super32', 'super16'],
  int4: ['symmetric', 'affine', 'super32'],
};

function checkWeightShape(where: string, { kind, scaling, rows, columns }: WeightShape): void {
  checkOneOf(where, 'kind', kind, WEIGHT_KINDS);
  checkOneOf(where, `scaling of ${kind}`, scaling, SCALINGS_OF[kind]);
  checkInteger(where, 'rows', rows, { min: 1 });
  checkInteger(where, 'columns', columns, { min: 1 });
}

/**
 * Rows of weights, [rows, columns] row-major in meaning; `recordProjection` multiplies them with activations.
 *
 * @example
 * using device = await Device.open();
 * using weights = Weights.allocate(device, { kind: 'int8', scaling: 'symmetric', rows: 64, columns: 96 });
 * console.log(weights.bytes); // one byte a weight, and the scales
 */
export class Weights implements Disposable {
  readonly device: Device;
  readonly kind: WeightKind;
  readonly scaling: WeightScaling;
  readonly rows: number;
  readonly columns: number;
  /** Of 32 weights along a row. */
  readonly blocks: number;
  readonly segments: readonly WeightSegment[];

  private constructor(token: Token, device: Device, shape: WeightShape, segments: readonly WeightSegment[]) {
    checkToken(token, 'Weights', 'Weights.allocate or weightsFrom');
    this.device = device;
    this.kind = shape.kind;
    this.scaling = shape.scaling;
    this.rows = shape.rows;
    this.columns = shape.columns;
    this.blocks = blocksOf(shape.columns);
    this.segments = segments;
  }

  /** Memory with undefined contents. Throws `ComputeError` `OUT_OF_MEMORY`. */
  static allocate(device: Device, shape: WeightShape): Weights {
    const where = 'Weights.allocate';
    checkDevice(where, device);
    checkObject(where, 'shape', shape);
    checkWeightShape(where, shape);
    const bytes = tileBytes(shape);
    const tiles = Math.ceil(shape.rows / TILE_ROWS);
    const most = tilesOfSegment(device, bytes);
    const segments: WeightSegment[] = [];
    const allocated: Tensor[] = [];
    const words = (byteCount: number) => {
      const tensor = device.tensor('u32', [byteCount / 4]);
      allocated.push(tensor);
      return tensor;
    };
    try {
      for (let firstTile = 0; firstTile < tiles; firstTile += most) {
        const count = Math.min(most, tiles - firstTile);
        const quants = words(count * bytes.quants);
        const scales = bytes.scales === 0 ? quants : words(count * bytes.scales);
        segments.push({ firstTile, tiles: count, quants, scales });
      }
    } catch (error) {
      for (const tensor of allocated) tensor.dispose();
      throw error;
    }
    return new Weights(TOKEN, device, shape, segments);
  }

  /** Device bytes. */
  get bytes(): number {
    return this.segments.reduce(
      (sum, { quants, scales }) => sum + quants.bytes + (scales === quants ? 0 : scales.bytes),
      0,
    );
  }

  /** Frees the memory. */
  dispose(): void {
    for (const { quants, scales } of this.segments) {
      quants.dispose();
      scales.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
