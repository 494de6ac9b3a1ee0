// activate_rows: gates and what they let through, in every form, and plain numbers.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { activate } from '../../support/activation.js';
import { cases, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { storedActivation } from '../../support/stored-activation.js';
import { blocksOf } from '../../support/weight-tiles.js';

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly activation: 0 | 1 | 2;
  readonly form: ActivationForm;
  readonly factor?: number;
}

const GELU = 2;

function run({ rows, columns, activation, form, factor = 2 }: Shape) {
  const random = new Random(rows * 31 + columns + activation);
  const stride = blocksOf(columns) * (activation === 2 ? 32 : 64) + 4;
  const source = random.rows('normal', rows, stride).map((value) => value * factor);
  const numbers: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const gate = row * stride + Math.floor(i / 32) * 64 + (i % 32);
      const x = source[gate];
      if (activation === 2) numbers.push(source[row * stride + i]);
      else numbers.push((activation === 0 ? x / (1 + Math.exp(-x)) : activate(GELU, x)) * source[gate + 32]);
    }
  }
  const stored = storedActivation({ form, rows, columns, numbers });
  return {
    buffers: { source, ...stored.buffers },
    params: { rows, columns, stride },
    constants: { activation, ...stored.constants },
    grid: folded(Math.ceil((rows * blocksOf(columns)) / 8)),
    check: stored.check,
  };
}

const shapes: Shape[] = [
  ...FORMS.flatMap((form) => [
    { rows: 1, columns: 32, activation: 0 as const, form },
    { rows: 5, columns: 161, activation: 0 as const, form },
    { rows: 3, columns: 320, activation: 1 as const, form },
    { rows: 7, columns: 70, activation: 2 as const, form },
  ]),
  { rows: 2, columns: 96, activation: 0, form: 'f32', factor: 60 },
  { rows: 9, columns: 1536, activation: 0, form: 'q8' },
];

export default cases(
  'activate_rows',
  shapes.map((shape) => {
    const { rows, columns, activation, form, factor } = shape;
    const name = ['silu', 'gelu', 'no activation'][activation];
    const more = factor === undefined ? '' : `, times ${factor}`;
    return { name: `${rows} x ${columns} into ${form}, ${name}${more}`, make: () => run(shape) };
  }),
);
