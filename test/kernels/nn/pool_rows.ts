// pool_rows: means and last rows of sequences, whole, begun, continued and finished.
import { encodeSpans, type PooledSpan } from '../../../src/nn/pooling.js';
import { cases, floats, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';

const whole = (firstRow: number, count: number, target: number): PooledSpan => {
  return { firstRow, count, before: 0, total: count, target };
};
const SPANS: readonly PooledSpan[] = [
  whole(3, 9, 4),
  whole(0, 1, 0),
  { firstRow: 1, count: 2, before: 0, total: 5, target: 2 },
  { firstRow: 12, count: 7, before: 11, total: 20, target: 6 },
  { firstRow: 19, count: 3, before: 10, total: 13, target: 1 },
  whole(22, 0, 3),
  whole(22, 2, 5),
];
const [ROWS, TARGETS] = [24, 8];

function pooledRow(rows: readonly Float32Array[], span: PooledSpan, last: boolean, soFar: Float32Array): number[] {
  const { before, count, total } = span;
  const sums = Array.from(soFar, (value, d) => {
    if (last) return rows[count - 1][d];
    return rows.reduce((sum, row) => sum + row[d], before > 0 ? value : 0);
  });
  return last || before + count < total ? sums : sums.map((sum) => sum / total);
}

function pool(dimensions: number, last: boolean, normalised: boolean) {
  const random = new Random(dimensions + (last ? 1 : 0));
  const stride = dimensions + 5;
  const hidden = random.rows('normal', ROWS, stride);
  // Zero vectors stay zero.
  hidden.fill(0, 22 * stride);
  const initial = random.rows('normal', TARGETS, dimensions);
  const pooled = floats(initial.length, { initial });
  for (const span of SPANS) {
    const { firstRow, count, before, total, target } = span;
    if (count === 0) continue;
    const rowOf = (i: number) => hidden.subarray((firstRow + i) * stride, (firstRow + i) * stride + dimensions);
    const rows = Array.from({ length: count }, (_, i) => rowOf(i));
    const row = pooledRow(rows, span, last, initial.subarray(target * dimensions, (target + 1) * dimensions));
    const length = Math.hypot(...row);
    const divisor = normalised && before + count === total && length > 0 ? length : 1;
    for (const [d, value] of row.entries()) pooled.set(target * dimensions + d, value / divisor);
  }
  return {
    buffers: { hidden, spans: encodeSpans(SPANS), pooled },
    params: { sequences: SPANS.length, dimensions, stride },
    constants: { last: last ? 1 : 0, normalised: normalised ? 1 : 0 },
    grid: folded(SPANS.length),
  };
}

export default cases(
  'pool_rows',
  [1, 33, 384, 1030].flatMap((dimensions) =>
    [false, true].flatMap((last) =>
      [false, true].map((normalised) => ({
        name: `${last ? 'last' : 'mean'} of ${dimensions}${normalised ? ', normalised' : ''}`,
        make: () => pool(dimensions, last, normalised),
      })),
    ),
  ),
);
