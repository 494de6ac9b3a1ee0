// dense_layer: strided products with bias, activation, and a second matrix.
import { activate, slope } from '../../support/activation.js';
import { cases, floats } from '../../support/cases.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  columns: number;
  depth: number;
  /** A side that lies transposed. */
  transposed?: 'a' | 'b' | 'both';
  constants?: {
    activation?: number;
    activateA?: number;
    activateB?: number;
    activateResult?: number;
    withBias?: number;
    combine?: number;
  };
}

function layer({ rows, columns, depth, transposed, constants = {} }: Shape) {
  const random = new Random(rows * 3 + columns * 5 + depth);
  const [a, b] = [random.rows('normal', rows, depth), random.rows('normal', columns, depth)];
  const [bias, other] = [random.rows('normal', 1, columns), random.rows('normal', rows, columns)];
  const aTransposed = transposed === 'a' || transposed === 'both';
  const bTransposed = transposed === 'b' || transposed === 'both';
  const [aRow, aStep] = aTransposed ? [1, rows] : [depth, 1];
  const [bRow, bStep] = bTransposed ? [1, columns] : [depth, 1];
  const { activation = 0, activateA, activateB, activateResult, withBias, combine = 0 } = constants;
  const result = floats(rows * columns);
  for (let m = 0; m < rows; m++) {
    for (let n = 0; n < columns; n++) {
      let sum = withBias ? bias[n] : 0;
      for (let k = 0; k < depth; k++) {
        const left = a[m * aRow + k * aStep];
        const right = b[n * bRow + k * bStep];
        sum += (activateA ? activate(activation, left) : left) * (activateB ? activate(activation, right) : right);
      }
      if (activateResult) sum = activate(activation, sum);
      if (combine === 1) sum *= slope(activation, other[m * columns + n]);
      if (combine === 2) sum -= other[m * columns + n];
      result.set(m * columns + n, sum);
    }
  }
  const params = { rows, columns, depth, aRow, aStep, bRow, bStep };
  const grid = [Math.ceil(columns / 128), Math.ceil(rows / 128)] as const;
  // The form that GPUs run, whatever the device.
  const form = depth === 16 ? { unrolled: 1 } : {};
  return { buffers: { a, b, bias, other, result }, params, constants: { ...constants, ...form }, grid };
}

const shapes: Record<string, Shape> = {
  '1 x 1 x 1': { rows: 1, columns: 1, depth: 1 },
  '3 x 129 x 7': { rows: 3, columns: 129, depth: 7 },
  '128 x 128 x 16, bias': { rows: 128, columns: 128, depth: 16, constants: { withBias: 1 } },
  '130 x 33 x 300, a transposed': { rows: 130, columns: 33, depth: 300, transposed: 'a' },
  '33 x 131 x 260, b transposed': { rows: 33, columns: 131, depth: 260, transposed: 'b' },
  '65 x 64 x 130, both transposed': { rows: 65, columns: 64, depth: 130, transposed: 'both' },
  'ReLU of the result': {
    rows: 40,
    columns: 50,
    depth: 20,
    constants: { activation: 1, activateResult: 1, withBias: 1 },
  },
  'GELU of the result': {
    rows: 40,
    columns: 50,
    depth: 20,
    constants: { activation: 2, activateResult: 1, withBias: 1 },
  },
  'ReLU of both sides': { rows: 40, columns: 30, depth: 21, constants: { activation: 1, activateA: 1, activateB: 1 } },
  'GELU of both sides': { rows: 40, columns: 30, depth: 21, constants: { activation: 2, activateA: 1, activateB: 1 } },
  'times the slope of ReLU': { rows: 129, columns: 30, depth: 10, constants: { activation: 1, combine: 1 } },
  'times the slope of GELU': { rows: 129, columns: 30, depth: 10, constants: { activation: 2, combine: 1 } },
  'minus a matrix': { rows: 20, columns: 130, depth: 10, transposed: 'b', constants: { combine: 2, withBias: 1 } },
};

export default cases(
  'dense_layer',
  Object.entries(shapes).map(([name, shape]) => ({
    name,
    make: () => layer(shape),
    slowToCompile: shape.depth === 16,
  })),
);
