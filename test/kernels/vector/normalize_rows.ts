// normalize_rows: row-major rows scaled to length 1, in place.
import { cases, floats, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { dot } from '../../support/reference.js';

function normalize(rows: number, chunks: number) {
  const dimensions = chunks * 4;
  const source = new Random(rows + chunks).rows('normal', rows + 2, dimensions);
  source.fill(0, 0, dimensions); // a zero row stays zero
  const vectors = floats(source.length, { initial: source.slice() });
  for (let r = 0; r < rows; r++) {
    const row = source.subarray(r * dimensions, (r + 1) * dimensions);
    const length = Math.sqrt(dot(row, row)) || 1;
    for (let d = 0; d < dimensions; d++) vectors.set(r * dimensions + d, row[d] / length);
  }
  return { buffers: { vectors }, params: { rows, chunks }, grid: folded(Math.ceil(rows / 32)) };
}

export default cases(
  'normalize_rows',
  [
    [1, 1],
    [31, 3],
    [33, 8],
    [64, 16],
    [300, 17],
  ].map(([rows, chunks]) => ({ name: `${rows} x ${chunks * 4}`, make: () => normalize(rows, chunks) })),
);
