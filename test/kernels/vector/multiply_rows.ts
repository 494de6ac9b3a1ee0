// multiply_rows: row-major rows against row-major rows, and the first row whose products are too large.
import { cases, floats, words } from '../../support/cases.js';
import { NONE } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { dot } from '../../support/reference.js';

interface Shape {
  rows: number;
  columns: number;
  chunks: number;
  kind?: DataKind;
  /** Left rows, or right ones, that get a number that no product survives. */
  spoilt?: Readonly<Record<number, number>>;
  spoiltRight?: Readonly<Record<number, number>>;
}

const LIMIT = 2 ** 55;

function multiply({ rows, columns, chunks, kind = 'normal', spoilt = {}, spoiltRight = {} }: Shape, side: number) {
  const random = new Random(rows * 31 + columns + chunks);
  const dimensions = chunks * 4;
  const left = random.rows(kind, rows, dimensions);
  const right = random.rows(kind, columns, dimensions);
  for (const [row, value] of Object.entries(spoilt)) left[Number(row) * dimensions + 1] = value;
  for (const [row, value] of Object.entries(spoiltRight)) right[Number(row) * dimensions + 1] = value;
  const [stride, scale] = [columns + 3, -0.25];
  const products = floats(rows * stride);
  const check = Object.keys(spoiltRight).length > 0 ? 2 : Object.keys(spoilt).length > 0 ? 1 : 0;
  let firstInvalid = NONE;
  for (let a = 0; a < rows; a++) {
    for (let b = 0; b < columns; b++) {
      const row = (side: Float32Array, r: number) => side.subarray(r * dimensions, (r + 1) * dimensions);
      const product = dot(row(left, a), row(right, b));
      if (!(Math.abs(product) < LIMIT)) firstInvalid = Math.min(firstInvalid, check === 2 ? b : a);
      if (a in spoilt || b in spoiltRight) products.any(a * stride + b);
      else products.set(a * stride + b, scale * product);
    }
  }
  return {
    buffers: {
      left,
      right,
      products,
      firstInvalid: words(1, { initial: Uint32Array.of(NONE) }).setAll([firstInvalid]),
    },
    params: { rows, columns, chunks, stride, scale },
    constants: { side, check },
    grid: [Math.ceil(rows / side), Math.ceil(columns / side)] as const,
  };
}

const shapes: Shape[] = [
  { rows: 1, columns: 1, chunks: 1 },
  { rows: 3, columns: 65, chunks: 2 },
  { rows: 63, columns: 31, chunks: 9, kind: 'uniform' },
  { rows: 64, columns: 64, chunks: 16 },
  { rows: 129, columns: 97, chunks: 25 },
  { rows: 40, columns: 130, chunks: 33, kind: 'offset' },
  { rows: 70, columns: 33, chunks: 5, spoilt: { 66: Number.NaN, 68: Infinity } },
  { rows: 70, columns: 33, chunks: 17, spoilt: { 7: -Infinity } },
  { rows: 33, columns: 3, chunks: 4, spoilt: { 32: 1e30 } },
  { rows: 5, columns: 70, chunks: 6, spoiltRight: { 69: Number.NaN, 66: Infinity } },
];

export default cases(
  'multiply_rows',
  [64, 32].flatMap((side) =>
    shapes.map((shape) => {
      const { rows, columns, chunks, kind = 'normal', spoilt, spoiltRight } = shape;
      const bad = (spoilt ?? spoiltRight) === undefined ? '' : `, bad rows ${Object.keys(spoilt ?? spoiltRight ?? {})}`;
      return {
        name: `side ${side}: ${rows} x ${columns} x ${chunks * 4}, ${kind}${bad}`,
        make: () => multiply(shape, side),
      };
    }),
  ),
);
