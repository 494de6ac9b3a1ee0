// What lies between the two projections of a feed-forward block.
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkOneOf } from '../runtime/validate.js';
import { Activation, FORMS } from './activation.js';
import { checkCall, checkInstance } from './checks.js';
import { BLOCK, blocksOf } from './weights.js';

/** In the order of the kernel's constant; 'none' takes the numbers as they are, without a gate. */
const ACTIVATIONS = ['silu', 'gelu', 'none'] as const;

export interface ActivationCall {
  /** f32 [rows][stride]: 32 numbers of the gate, 32 of up, in turns; with 'none' the numbers themselves. */
  readonly gated: Tensor;
  /** Default: as short as a row can be. */
  readonly stride?: number | undefined;
  /** Default: those of `output`. */
  readonly rows?: number | undefined;
  /** Of the gate; default 'silu'. */
  readonly activation?: (typeof ACTIVATIONS)[number] | undefined;
  readonly output: Activation;
}

const BLOCKS_OF_WORKGROUP = 8;
const MAX_GRID = 65535;

/** Records output = activation(gate) · up. Source: Shazeer, "GLU Variants Improve Transformer", 2020 (arXiv 2002.05202). */
export function recordActivation(recorder: Recorder, call: ActivationCall): void {
  checkCall('recordActivation', recorder, call);
  const { gated, activation = 'silu', output } = call;
  checkInstance('recordActivation', 'output', output, Activation);
  checkOneOf('recordActivation', 'activation', activation, ACTIVATIONS);
  const { columns } = output;
  const rowBlocks = blocksOf(columns);
  const { rows = output.rows, stride = rowBlocks * BLOCK * (activation === 'none' ? 1 : 2) } = call;
  const workgroups = Math.ceil((rows * rowBlocks) / BLOCKS_OF_WORKGROUP);
  recorder.dispatch('activate_rows', {
    buffers: { source: gated, values: output.values, blocks: output.blocks },
    params: { rows, columns, stride },
    constants: { activation: ACTIVATIONS.indexOf(activation), form: FORMS.indexOf(output.form) },
    grid: [Math.min(workgroups, MAX_GRID), Math.ceil(workgroups / MAX_GRID)],
  });
}
