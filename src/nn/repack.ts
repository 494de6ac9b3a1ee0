// From the numbers and blocks of model files to weights in tiles: the file's own values, or quantized on the way.
import type { Recorder } from '../runtime/recorder.js';
import { checkTensor, type Tensor } from '../runtime/tensor.js';
import { checkInteger, checkOneOf, checkOptions } from '../runtime/validate.js';
import { checkCall, checkInstance } from './checks.js';
import {
  BLOCK,
  blocksOf,
  SCALINGS,
  TILE_ROWS,
  WEIGHT_KINDS,
  type WeightKind,
  type WeightScaling,
  Weights,
} from './weights.js';

interface SourceFormat {
  /** Of 32 or 256 weights, or of one. */
  readonly blockBytes: number;
  readonly blockSize: number;
  /** The kernels' constant `format`. */
  readonly number: number;
  readonly kind: WeightKind;
  readonly scaling: WeightScaling;
}

const format = (number: number, blockSize: number, blockBytes: number, kind: WeightKind, scaling: WeightScaling) => ({
  number,
  blockSize,
  blockBytes,
  kind,
  scaling,
});

const FORMATS = {
  F32: format(0, 1, 4, 'f32', 'none'),
  F16: format(1, 1, 2, 'f16', 'none'),
  BF16: format(2, 1, 2, 'bf16', 'none'),
  Q8_0: format(0, 32, 34, 'int8', 'symmetric'),
  Q4_0: format(1, 32, 18, 'int4', 'symmetric'),
  Q4_1: format(2, 32, 20, 'int4', 'affine'),
  Q5_0: format(3, 32, 22, 'int8', 'symmetric'),
  Q5_1: format(4, 32, 24, 'int8', 'affine'),
  Q4_K: format(5, 256, 144, 'int4', 'super32'),
  Q5_K: format(6, 256, 176, 'int8', 'super32'),
  Q6_K: format(7, 256, 210, 'int8', 'super16'),
} satisfies Record<string, SourceFormat>;

export type SourceType = keyof typeof FORMATS;
const SOURCE_TYPES = Object.keys(FORMATS) as SourceType[];

export interface QuantizeChoice {
  /** What plain numbers become; what is quantized already stays as it is. Default 'none'. */
  readonly quantize?: 'none' | 'int8' | 'int4' | undefined;
  /** Default 'symmetric'. */
  readonly scaling?: 'symmetric' | 'affine' | undefined;
}

/** The kind of weights that a tensor of a file becomes. */
export function weightsFor(
  sourceType: SourceType,
  { quantize = 'none', scaling = 'symmetric' }: QuantizeChoice = {},
): { kind: WeightKind; scaling: WeightScaling } {
  const where = 'weightsFor';
  checkOneOf(where, 'sourceType', sourceType, SOURCE_TYPES);
  checkOneOf(where, 'quantize', quantize, ['none', 'int8', 'int4'] as const);
  checkOneOf(where, 'scaling', scaling, ['symmetric', 'affine'] as const);
  const own = FORMATS[sourceType];
  if (own.blockSize > 1 || quantize === 'none') return { kind: own.kind, scaling: own.scaling };
  return { kind: quantize, scaling };
}

/** Bytes of a row in the file. Throws `RangeError` where blocks do not fill it. */
export function sourceRowBytes(sourceType: SourceType, columns: number): number {
  checkOneOf('sourceRowBytes', 'sourceType', sourceType, SOURCE_TYPES);
  const { blockSize, blockBytes } = FORMATS[sourceType];
  if (columns % blockSize !== 0)
    throw new RangeError(
      `sourceRowBytes: columns must be a multiple of ${blockSize} for ${sourceType}, got ${columns}`,
    );
  return (columns / blockSize) * blockBytes;
}

export interface RepackCall {
  readonly weights: Weights;
  /** Bytes of the file, of any element type; a multiple of 4 bytes. */
  readonly source: Tensor;
  readonly sourceType: SourceType;
  /** Byte of `source` where the first row begins. Default 0. */
  readonly sourceOffset?: number | undefined;
  /** Row-major rows of `weights.columns`; the last tile that they fill is filled up with zeros. */
  readonly rows: number;
  /** Tile of `weights` that the first 32 rows go to. Default 0. */
  readonly firstTile?: number | undefined;
  /** From a tile to the next 32 rows' one: 2 where gate and up take turns. Default 1. */
  readonly tileStep?: number | undefined;
  /** Weights along a row that share a scale, where plain numbers are quantized: 32, 64 or 128. Default 32. */
  readonly group?: number | undefined;
}

type Checked = { readonly [K in keyof RepackCall]-?: Exclude<RepackCall[K], undefined> };

const KEYS = ['weights', 'source', 'sourceType', 'sourceOffset', 'rows', 'firstTile', 'tileStep', 'group'];

function check(call: RepackCall): Checked {
  const where = 'recordRepack';
  checkOptions(where, call, KEYS);
  checkInstance(where, 'weights', call.weights, Weights);
  const { weights, source, sourceType, rows, sourceOffset = 0, firstTile = 0, tileStep = 1, group = 32 } = call;
  checkTensor(where, 'source', source);
  checkOneOf(where, 'sourceType', sourceType, SOURCE_TYPES);
  checkInteger(where, 'rows', rows, { min: 1 });
  checkInteger(where, 'tileStep', tileStep, { min: 1 });
  const tiles = Math.ceil(weights.rows / TILE_ROWS);
  const last = (Math.ceil(rows / TILE_ROWS) - 1) * tileStep;
  checkInteger(where, 'firstTile', firstTile, { min: 0, max: tiles - 1 - last });
  checkOneOf(where, 'group', group, [32, 64, 128]);
  const bytes = rows * sourceRowBytes(sourceType, weights.columns);
  checkInteger(where, 'sourceOffset', sourceOffset, { min: 0, max: source.bytes - bytes });
  const own = FORMATS[sourceType];
  const fits = own.blockSize === 1 ? SCALINGS.indexOf(weights.scaling) <= 2 : own.kind === weights.kind;
  if (!fits || (own.blockSize > 1 && own.scaling !== weights.scaling))
    throw new RangeError(`${where}: ${sourceType} must not become ${weights.kind} ${weights.scaling} weights`);
  return { weights, source, sourceType, rows, sourceOffset, firstTile, tileStep, group };
}

/** Of one segment: which rows of the source go there, and to which of its tiles. */
interface Part {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstTile: number;
}

function partOf({ rows, firstTile, tileStep }: Checked, segment: { firstTile: number; tiles: number }): Part {
  const reached = (tile: number) => Math.max(0, Math.ceil((tile - firstTile) / tileStep));
  const first = reached(segment.firstTile);
  const firstRow = first * TILE_ROWS;
  const end = Math.min(rows, reached(segment.firstTile + segment.tiles) * TILE_ROWS);
  return { firstRow, rows: end - firstRow, firstTile: firstTile + first * tileStep - segment.firstTile };
}

/**
 * Records the way of rows of a file's tensor into tiles of `weights`: the same numbers, or where the source is plain and
 * the weights are int8 or int4 the nearest ones that these can hold.
 */
export function recordRepack(recorder: Recorder, call: RepackCall): void {
  checkCall('recordRepack', recorder, call);
  const checked = check(call);
  for (const segment of checked.weights.segments) {
    const part = partOf(checked, segment);
    if (part.rows > 0) recordPart(recorder, checked, segment, part);
  }
}

function recordPart(recorder: Recorder, call: Checked, segment: { quants: Tensor; scales: Tensor }, part: Part): void {
  const { weights, source, sourceType, tileStep, group } = call;
  const { columns, kind, scaling } = weights;
  const { number, blockSize } = FORMATS[sourceType];
  const { quants, scales } = segment;
  const { firstRow, rows, firstTile } = part;
  const sourceOffset = call.sourceOffset + firstRow * sourceRowBytes(sourceType, columns);
  const params = { rows, columns, sourceOffset, firstTile, tileStep };
  const tiles = Math.ceil(rows / TILE_ROWS);
  const blocks = blocksOf(columns);
  if (blockSize > 1) {
    const grid = [Math.ceil(blocks / 8), tiles] as const;
    recorder.dispatch('repack_blocks', {
      buffers: { source, quants, scales },
      params,
      constants: { format: number },
      grid,
    });
  } else if (scaling === 'none') {
    const constants = { format: number, kind: WEIGHT_KINDS.indexOf(kind) };
    const grid = [Math.ceil((blocks * BLOCK) / (kind === 'f32' ? 32 : 64)), tiles] as const;
    recorder.dispatch('repack_values', { buffers: { source, quants }, params, constants, grid });
  } else {
    const kinds = { kind: WEIGHT_KINDS.indexOf(kind), scaling: SCALINGS.indexOf(scaling) };
    const constants = { format: number, ...kinds, groupBlocks: group / BLOCK };
    const grid = [Math.ceil(blocks / 4), tiles] as const;
    recorder.dispatch('quantize_weights', { buffers: { source, quants, scales }, params, constants, grid });
  }
}
