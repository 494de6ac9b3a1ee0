// Many rows times a matrix: tiles of results, on matrix units where the device has them and the inputs are halves.
import { unrolledOn } from '../kernels/choices.js';
import { hasMatrixUnits } from '../kernels/matrix-units.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';
import type { Activation } from './activation.js';
import { SCALINGS, TILE_ROWS, WEIGHT_KINDS, type Weights } from './weights.js';

interface MatrixCall {
  readonly weights: Weights;
  /** Of form f32 or f16; f16 where matrix units are to be used. */
  readonly input: Activation;
  /** Default: those of `input`. */
  readonly rows?: number | undefined;
  /** One f32 for each row of weights. */
  readonly bias?: Tensor | undefined;
  /** f32 [rows][stride] */
  readonly results: Tensor;
  /** Default: outputs padded to 32. */
  readonly stride?: number | undefined;
  /** Of `results`; default 0. */
  readonly firstColumn?: number | undefined;
  /** 'add' adds to what `results` holds. */
  readonly epilogue?: 'store' | 'add' | undefined;
}

/** Outputs of a workgroup, and its rows; on matrix units fewer rows leave more workgroups to hide each other's waits. */
const TILE = 128;
const UNIT_ROWS = 64;
/** On Metal, whose SIMD-groups share so few rows among them. */
const FEW_UNIT_ROWS = 32;

function tileRows({ info }: Device, rows: number, onUnits: boolean): number {
  if (!onUnits) return TILE;
  return info.backend === 'metal' && rows <= FEW_UNIT_ROWS ? FEW_UNIT_ROWS : UNIT_ROWS;
}

/** Records results = input · weightsᵀ (+ bias), or its addition to `results`. */
export function recordMatrix(recorder: Recorder, call: MatrixCall): void {
  const { weights, input, bias, results, firstColumn = 0, epilogue = 'store' } = call;
  const { rows = input.rows, stride = Math.ceil(weights.rows / TILE_ROWS) * TILE_ROWS } = call;
  const { device } = results;
  const onUnits = input.form === 'f16' && hasMatrixUnits(device);
  const side = tileRows(device, rows, onUnits);
  for (const { firstTile, tiles, quants, scales } of weights.segments) {
    const first = firstTile * TILE_ROWS;
    const outputs = Math.min(tiles * TILE_ROWS, weights.rows - first);
    recorder.dispatch(onUnits ? 'project_matrix_coop' : 'project_matrix', {
      buffers: { quants, scales, inputs: input.values, bias: bias ?? input.blocks, results },
      params: { rows, outputs, blocks: weights.blocks, stride, firstColumn: firstColumn + first, firstBias: first },
      constants: {
        kind: WEIGHT_KINDS.indexOf(weights.kind),
        scaling: SCALINGS.indexOf(weights.scaling),
        halfInput: input.form === 'f16' ? 1 : 0,
        epilogue: epilogue === 'add' ? 1 : 0,
        withBias: bias ? 1 : 0,
        tileRows: side,
        unrolled: unrolledOn(device),
      },
      grid: [Math.ceil(rows / side), Math.ceil(outputs / TILE)],
    });
  }
}
