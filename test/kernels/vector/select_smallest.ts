// select_smallest: the k least values of each row in order, ties to the lower index.
import { cases, floats, folded, words } from '../../support/cases.js';
import { NONE } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';

interface Shape {
  rows: number;
  stride: number;
  k: number;
  kind?: DataKind | 'equal' | 'ascending' | 'descending';
  /** Every row has at most this many values. */
  longest?: number;
}

function rowValues(random: Random, { rows, stride, kind = 'normal' }: Shape): Float32Array {
  if (kind === 'equal') return new Float32Array(rows * stride).fill(-2.5);
  if (kind === 'ascending') return Float32Array.from({ length: rows * stride }, (_, i) => i);
  if (kind === 'descending') return Float32Array.from({ length: rows * stride }, (_, i) => -i);
  return random.rows(kind, rows, stride);
}

function select(shape: Shape) {
  const { rows, stride, k, longest = stride } = shape;
  const random = new Random(rows + stride + k);
  const values = rowValues(random, shape);
  // The longest row first, an empty one last, the others in between.
  const lengths = Uint32Array.from({ length: rows }, (_, row) =>
    row === 0 ? longest : row === rows - 1 ? 0 : random.below(longest + 1),
  );
  const indices = words(rows * k);
  const best = floats(rows * k, { nmse: 0 });
  for (let row = 0; row < rows; row++) {
    const part = values.subarray(row * stride, row * stride + lengths[row]);
    const order = Array.from(part.keys()).sort((a, b) => part[a] - part[b] || a - b);
    for (let i = 0; i < k; i++) {
      indices.set(row * k + i, order[i] ?? NONE);
      best.set(row * k + i, i < order.length ? part[order[i]] : Number.POSITIVE_INFINITY);
    }
  }
  return { buffers: { values, lengths, indices, best }, params: { rows, stride, k }, grid: folded(rows, 3) };
}

const shapes: Shape[] = [
  { rows: 1, stride: 1, k: 1 },
  { rows: 3, stride: 127, k: 1 },
  { rows: 5, stride: 129, k: 10 },
  { rows: 4, stride: 128, k: 128 },
  { rows: 3, stride: 300, k: 2048 },
  { rows: 3, stride: 5000, k: 100 },
  { rows: 2, stride: 5000, k: 2048 },
  { rows: 2, stride: 30_000, k: 10 },
  { rows: 2, stride: 20_001, k: 777, longest: 20_000 },
  { rows: 7, stride: 1000, k: 10, kind: 'integer' },
  { rows: 3, stride: 6000, k: 2047, kind: 'integer' },
  { rows: 3, stride: 9000, k: 100, kind: 'offset' },
  { rows: 2, stride: 5000, k: 1000, kind: 'equal' },
  { rows: 2, stride: 5000, k: 10, kind: 'equal' },
  { rows: 3, stride: 3000, k: 50, kind: 'ascending' },
  { rows: 3, stride: 3000, k: 50, kind: 'descending' },
];

export default cases(
  'select_smallest',
  shapes.map((shape) => ({
    name: `${shape.k} of ${shape.rows} x ${shape.stride}, ${shape.kind ?? 'normal'}`,
    make: () => select(shape),
  })),
);
