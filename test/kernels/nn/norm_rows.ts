// norm_rows: rows normed into every form, with nothing, a row or a normed row added before; last rows only.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { cases, floats, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { storedActivation } from '../../support/stored-activation.js';
import { blocksOf } from '../../support/weight-tiles.js';

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly adds: 0 | 1 | 2;
  readonly form: ActivationForm;
  readonly firstRow?: number;
  /** Of the hidden numbers. */
  readonly factor?: number;
}

const EPSILON = 1e-5;

function normed(row: ArrayLike<number>): number[] {
  const values = Array.from(row);
  const squares = values.reduce((sum, value) => sum + value * value, 0);
  return values.map((value) => value / Math.sqrt(squares / values.length + EPSILON));
}

function norm({ rows, columns, adds, form, firstRow = 0, factor = 1 }: Shape) {
  const random = new Random(rows * 31 + columns + adds);
  const [width, stride] = [blocksOf(columns) * 32, columns + 3];
  const initial = new Float32Array((firstRow + rows) * width);
  for (let i = 0; i < initial.length; i++) if (i % width < columns) initial[i] = factor * random.normal();
  const added = random.rows('normal', firstRow + rows, stride);
  const postNorm = random.rows('uniform', 1, columns);
  const weights = random.rows('normal', 1, columns);
  const hidden = floats(initial.length, { initial });
  const numbers: number[] = [];
  const before: number[] = [];
  for (let row = 0; row < rows; row++) {
    const at = firstRow + row;
    const own = Array.from(initial.subarray(at * width, at * width + columns));
    const more = added.subarray(at * stride, at * stride + columns);
    const scaled = adds === 2 ? normed(more).map((value, i) => value * postNorm[i]) : more;
    const sum = adds === 0 ? own : own.map((value, i) => value + scaled[i]);
    if (adds !== 0) for (const [i, value] of sum.entries()) hidden.set(at * width + i, value);
    const result = normed(sum);
    before.push(...result);
    numbers.push(...result.map((value, i) => value * weights[i]));
  }
  const stored = storedActivation({ form, rows, columns, numbers, before });
  return {
    buffers: { hidden, added, postNorm, norm: weights, ...stored.buffers },
    params: { rows, columns, stride, firstRow, epsilon: EPSILON },
    constants: { adds, ...stored.constants },
    grid: folded(rows),
    check: stored.check,
  };
}

const shapes: Shape[] = [
  ...FORMS.flatMap((form) => [
    { rows: 1, columns: 32, adds: 0 as const, form },
    { rows: 3, columns: 97, adds: 1 as const, form },
    { rows: 9, columns: 576, adds: 2 as const, form },
  ]),
  { rows: 2, columns: 1000, adds: 0, form: 'q8', firstRow: 5 },
  { rows: 1, columns: 5376, adds: 2, form: 'q8', firstRow: 2 },
  { rows: 2, columns: 64, adds: 0, form: 'q8', factor: 0 },
  { rows: 2, columns: 160, adds: 1, form: 'f16', factor: 100 },
];

export default cases(
  'norm_rows',
  shapes.map((shape) => {
    const { rows, columns, adds, form, firstRow = 0, factor = 1 } = shape;
    const more = `${firstRow ? `, from row ${firstRow}` : ''}${factor === 1 ? '' : `, times ${factor}`}`;
    return { name: `${rows} x ${columns} into ${form}, adds ${adds}${more}`, make: () => norm(shape) };
  }),
);
