// Root mean square norm of rows, into what a projection reads.
import type { Recorder } from '../runtime/recorder.js';
import type { Tensor } from '../runtime/tensor.js';
import { Activation, FORMS } from './activation.js';
import { checkCall, checkInstance } from './checks.js';
import { BLOCK, blocksOf } from './weights.js';

export interface NormCall {
  /** f32 [rows][columns padded to 32], the residual stream; columns are those of `output`. */
  readonly hidden: Tensor;
  /** Rows of `output` that are written, from its first on. Default: all of them. */
  readonly rows?: number | undefined;
  /** First row of `hidden` (and of `added`). Default 0. */
  readonly firstRow?: number | undefined;
  /** f32 [columns]: factors of the normed numbers. */
  readonly norm: Tensor;
  readonly epsilon: number;
  /** f32 [rows][stride], added to `hidden` before it is normed. */
  readonly added?: Tensor | undefined;
  /** Of `added`. Default: columns padded to 32. */
  readonly stride?: number | undefined;
  /** f32 [columns]: what is added is normed itself, with these factors. */
  readonly postNorm?: Tensor | undefined;
  readonly output: Activation;
}

const MAX_GRID = 65535;

/** Records hidden += added (or its norm), output = norm of hidden. Source: Zhang and Sennrich, 2019 (arXiv 1910.07467). */
export function recordNorm(recorder: Recorder, call: NormCall): void {
  checkCall('recordNorm', recorder, call);
  const { hidden, norm, epsilon, added, postNorm, output, firstRow = 0 } = call;
  checkInstance('recordNorm', 'output', output, Activation);
  const { columns } = output;
  const { rows = output.rows, stride = blocksOf(columns) * BLOCK } = call;
  recorder.dispatch('norm_rows', {
    buffers: {
      hidden,
      added: added ?? norm,
      postNorm: postNorm ?? norm,
      norm,
      values: output.values,
      blocks: output.blocks,
    },
    params: { rows, columns, stride, firstRow, epsilon },
    constants: { adds: added === undefined ? 0 : postNorm === undefined ? 1 : 2, form: FORMS.indexOf(output.form) },
    grid: [Math.min(rows, MAX_GRID), Math.ceil(rows / MAX_GRID)],
  });
}
