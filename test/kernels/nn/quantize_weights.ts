// quantize_weights: no worse than the same search in float64, and better than the plain range of a group.
import { SCALINGS, WEIGHT_KINDS } from '../../../src/nn/weights.js';
import { cases, type Outputs } from '../../support/cases.js';
import { nearest, plainRange, searched } from '../../support/quantizer.js';
import { Random } from '../../support/random.js';
import { decoded, sourceWords, targetBuffers } from '../../support/repacked.js';
import { fromHalf, toHalf } from '../../support/weight-tiles.js';

interface Shape {
  kind: 'int4' | 'int8';
  scaling: 'symmetric' | 'affine';
  rows: number;
  columns: number;
  group: number;
  half?: boolean;
  firstTile?: number;
  tileStep?: number;
}

/** Rows of different sizes; row 1 is zeros, row 2 all the same. */
function numbersOf({ rows, columns, half = false }: Shape): Float64Array {
  const random = new Random(rows * 7 + columns);
  const numbers = Float64Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    if (row === 1) return 0;
    return row === 2 ? 0.375 : random.normal() * 10 ** ((row % 4) - 3);
  });
  return numbers.map((number) => (half ? fromHalf(toHalf(number)) : Math.fround(number)));
}

/** Of each group: the squared error against that of the reference search. */
function checkError(outputs: Outputs, shape: Shape & { firstTile: number; tileStep: number }, numbers: Float64Array) {
  const { kind, scaling, rows, columns, group } = shape;
  const got = decoded(outputs, shape);
  const sums = { got: 0, reference: 0, plain: 0, power: 0 };
  const padded = (row: number, first: number) =>
    Array.from({ length: group }, (_, i) => (first + i < columns ? numbers[row * columns + first + i] : 0));
  for (let row = 0; row < rows; row++) {
    for (let first = 0; first < columns; first += group) {
      const live = padded(row, first).slice(0, columns - first);
      const squares = (values: ArrayLike<number>) =>
        live.reduce((sum, number, i) => sum + (number - values[i]) ** 2, 0);
      const line = searched(padded(row, first), kind, scaling);
      const error = squares(got.subarray(row * columns + first));
      const reference = squares(nearest(live, line, kind, scaling));
      const power = live.reduce((sum, number) => sum + number * number, 0);
      if (!(error <= reference * 1.2 + power * 1e-6))
        return `row ${row}, weights from ${first}: squared error ${error}, that of the reference ${reference}`;
      // Rows count alike, whatever their size.
      const weight = power === 0 ? 0 : 1 / power;
      sums.got += error * weight;
      sums.reference += reference * weight;
      sums.plain += squares(nearest(live, plainRange(padded(row, first), kind, scaling), kind, scaling)) * weight;
    }
  }
  if (!(sums.got <= sums.reference * 1.005 + 1e-9)) return `error ${sums.got}, that of the reference ${sums.reference}`;
  if (kind === 'int4' && !(sums.got < sums.plain)) return `error ${sums.got}, that of the plain range ${sums.plain}`;
  for (let i = rows * columns; i < got.length; i++) if (got[i] !== 0) return `padding must be 0, got ${got[i]}`;
  return undefined;
}

function quantize(shape: Shape) {
  const { kind, scaling, rows, columns, group, half = false, firstTile = 0, tileStep = 1 } = shape;
  const target = { ...shape, firstTile, tileStep };
  const numbers = numbersOf(shape);
  const array = half ? Uint16Array.from(numbers, toHalf) : Float32Array.from(numbers);
  return {
    buffers: { source: sourceWords(new Uint8Array(array.buffer), 4), ...targetBuffers(target) },
    params: { rows, columns, sourceOffset: 4, firstTile, tileStep },
    constants: {
      format: half ? 1 : 0,
      kind: WEIGHT_KINDS.indexOf(kind),
      scaling: SCALINGS.indexOf(scaling),
      groupBlocks: group / 32,
    },
    grid: [Math.ceil(columns / 128), Math.ceil(rows / 32)] as const,
    check: (outputs: Outputs) => checkError(outputs, target, numbers),
  };
}

const shapes: Shape[] = [
  { kind: 'int4', scaling: 'symmetric', rows: 33, columns: 160, group: 32 },
  { kind: 'int4', scaling: 'symmetric', rows: 64, columns: 256, group: 128, half: true, firstTile: 1, tileStep: 2 },
  { kind: 'int4', scaling: 'affine', rows: 32, columns: 172, group: 64 },
  { kind: 'int4', scaling: 'affine', rows: 40, columns: 96, group: 32, half: true },
  { kind: 'int8', scaling: 'symmetric', rows: 35, columns: 288, group: 32 },
  { kind: 'int8', scaling: 'symmetric', rows: 5, columns: 128, group: 64, half: true },
  { kind: 'int8', scaling: 'affine', rows: 33, columns: 384, group: 128 },
];

export default cases(
  'quantize_weights',
  shapes.map((shape) => ({
    name: `${shape.kind} ${shape.scaling}: ${shape.rows} x ${shape.columns} of ${shape.half ? 'f16' : 'f32'}, groups of ${shape.group}`,
    make: () => quantize(shape),
  })),
);
