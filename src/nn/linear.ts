// Activations times the rows of a weight matrix: which kernel does it, and which form of activation that kernel reads.
import { hasMatrixUnits } from '../kernels/matrix-units.js';
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf } from '../runtime/validate.js';
import { Activation, type ActivationForm, FORMS } from './activation.js';
import { checkCall, checkInstance } from './checks.js';
import { recordMatrix } from './matrix.js';
import { blocksOf, SCALINGS, TILE_ROWS, WEIGHT_KINDS, type WeightSegment, Weights } from './weights.js';

export interface ProjectionCall {
  readonly weights: Weights;
  /** Of the form that `formFor` says. */
  readonly input: Activation;
  /** Default: those of `input`. */
  readonly rows?: number | undefined;
  /** `input` still lacks its RMS norm's factor, which is the mean square's over its columns. */
  readonly normalized?: { readonly epsilon: number } | undefined;
  /** One f32 for each row of weights. */
  readonly bias?: Tensor | undefined;
  /** f32 [rows][stride]; 'gated' has none. */
  readonly results?: Tensor | undefined;
  /** Default: the weights' rows padded to 32. */
  readonly stride?: number | undefined;
  /** Of `results`; default 0. */
  readonly firstColumn?: number | undefined;
  /**
   * 'store' (default) sets `results`. 'add' adds to them, and where there is a `next`, writes their sum times `norm` to it.
   * 'gated' writes activation(gate) · up to `next`; tiles of gate and up take turns in `weights`.
   */
  readonly epilogue?: 'store' | 'add' | 'gated' | undefined;
  /** Default 'silu'. */
  readonly activation?: 'silu' | 'gelu' | undefined;
  /** Weights of the norm before the next projection, one f32 for each result. */
  readonly norm?: Tensor | undefined;
  readonly next?: Activation | undefined;
}

/** As many rows as one pass over the weights serves. */
const FEW_ROWS = 16;
const EPILOGUES = { store: 0, add: 1, gated: 2, addAlone: 3 };

const isQuantized = ({ kind }: Weights): boolean => kind === 'int4' || kind === 'int8';

/** Whether so many rows are multiplied by the kernel that reads the weights once for every few rows. */
export function takesRows(device: Device, weights: Weights, rows: number): boolean {
  return rows <= FEW_ROWS || (isQuantized(weights) && !hasMatrixUnits(device));
}

/** The form of activation that `recordProjection` reads. */
export function formFor(device: Device, weights: Weights, rows: number): ActivationForm {
  if (takesRows(device, weights, rows)) return isQuantized(weights) ? 'q8' : 'f32';
  return hasMatrixUnits(device) && weights.kind !== 'f32' ? 'f16' : 'f32';
}

const WHERE = 'recordProjection';

/**
 * Records results = input · weightsᵀ + bias, and what follows it.
 *
 * @example
 * using weights = await weightsFrom(device, new Float32Array(64 * 96).fill(0.5), { rows: 64, columns: 96, kind: 'f32' });
 * using input = Activation.allocate(device, { rows: 1, columns: 96, form: formFor(device, weights, 1) });
 * using results = device.tensor('f32', [64]);
 * using program = await device.record((recorder) => recordProjection(recorder, { weights, input, results }));
 * await input.values.write(new Float32Array(96).fill(1));
 * const { outputs } = await program.run({ read: [results] }); // 64 times 48
 */
export function recordProjection(recorder: Recorder, call: ProjectionCall): void {
  checkCall(WHERE, recorder, call);
  const { weights, input } = call;
  checkInstance(WHERE, 'weights', weights, Weights);
  checkInstance(WHERE, 'input', input, Activation);
  const { rows = input.rows } = call;
  check(call);
  if (takesRows(input.values.device, weights, rows)) {
    for (const segment of weights.segments) recordRows(recorder, { ...call, rows }, segment);
    return;
  }
  const { normalized, norm, next, epilogue, results } = call;
  if (normalized || norm || next || epilogue === 'gated' || !results)
    throw new TypeError(`${WHERE}: ${rows} rows of these weights only take the epilogues 'store' and 'add' alone`);
  recordMatrix(recorder, { ...call, rows, results, epilogue: epilogue ?? 'store' });
}

function check({ weights, input, rows = input.rows, epilogue = 'store', results, norm, next }: ProjectionCall): void {
  checkOneOf(WHERE, 'epilogue', epilogue, ['store', 'add', 'gated']);
  const form = formFor(input.values.device, weights, rows);
  if (input.form !== form)
    throw new TypeError(`${WHERE}: input must be of form ${form} for ${rows} rows, got ${input.form}`);
  if (input.columns !== weights.columns)
    throw new RangeError(`${WHERE}: input must have ${weights.columns} columns as weights have, got ${input.columns}`);
  if (rows < 1 || rows > Math.min(input.rows, next?.rows ?? rows))
    throw new RangeError(`${WHERE}: rows must be from 1 to those of input and next, got ${rows}`);
  if (epilogue === 'gated' ? !next : !results)
    throw new TypeError(`${WHERE}: the epilogue '${epilogue}' needs ${epilogue === 'gated' ? 'next' : 'results'}`);
  if (epilogue === 'add' && (next === undefined) !== (norm === undefined))
    throw new TypeError(`${WHERE}: norm and next go together`);
}

/** From so many workgroups on, a second one on a unit hides the wait for weights, where registers leave it room. */
const MANY_GROUPS = 256;

/** AMD's scalar loads cost the lanes nothing; elsewhere a word of activations has to meet more than one row of weights. */
function rowConstants({ info }: Device, columns: number, groups: number) {
  if (info.kind === 'software') return { unrolled: 0, split: 1, ahead: 4 };
  const plain = { unrolled: 1, split: 1, ahead: 4 };
  const areMany = groups >= MANY_GROUPS;
  if (info.vendor === 'AMD') return plain;
  // With one workgroup on a unit there are registers for the weights of the next turn.
  if (columns === 1 && !areMany) return { ...plain, ahead: 8 };
  if (columns < 4) return plain;
  return { ...plain, split: 2, ahead: columns <= 8 && areMany ? 1 : 4 };
}

type RowsCall = ProjectionCall & { readonly rows: number };

/** What an epilogue has no use for is bound to a tensor that it reads or writes anyway. */
function rowBuffers({ input, bias, norm, next, results = next?.blocks ?? input.blocks }: RowsCall) {
  return {
    values: input.values,
    blocks: input.blocks,
    bias: bias ?? input.blocks,
    norm: norm ?? input.blocks,
    results,
    nextValues: next?.values ?? results,
    nextBlocks: next?.blocks ?? results,
  };
}

function recordRows(recorder: Recorder, call: RowsCall, { firstTile, tiles, quants, scales }: WeightSegment): void {
  const { weights, input, rows, normalized, bias, firstColumn = 0, epilogue = 'store', next } = call;
  const { stride = Math.ceil(weights.rows / TILE_ROWS) * TILE_ROWS } = call;
  const gated = epilogue === 'gated';
  const columns = [1, 2, 4, 8].find((count) => rows <= count) ?? (gated ? 8 : FEW_ROWS);
  const groups = gated ? tiles / 2 : tiles;
  recorder.dispatch('project_rows', {
    buffers: { quants, scales, ...rowBuffers(call) },
    params: {
      rows,
      outputs: gated && next ? next.columns : weights.rows,
      rowBlocks: weights.blocks,
      firstOutput: (gated ? firstTile / 2 : firstTile) * TILE_ROWS,
      stride,
      firstColumn,
      nextStride: next ? blocksOf(next.columns) : 0,
      epsilon: normalized?.epsilon ?? 0,
      inputs: weights.columns,
    },
    constants: {
      kind: WEIGHT_KINDS.indexOf(weights.kind),
      scaling: SCALINGS.indexOf(weights.scaling),
      columns,
      normalised: normalized ? 1 : 0,
      epilogue: EPILOGUES[epilogue === 'add' && !next ? 'addAlone' : epilogue],
      activation: call.activation === 'gelu' ? 1 : 0,
      form: next ? FORMS.indexOf(next.form) : 0,
      withBias: bias ? 1 : 0,
      ...rowConstants(input.values.device, columns, groups),
    },
    grid: [groups, Math.ceil(rows / columns)],
  });
}
