// pairwise_distances: the whole matrix of queries against rows.
import { cases } from '../../support/cases.js';
import { distancesRun, matrixShapes } from '../../support/matrix.js';

const shapes = matrixShapes([
  { queryCount: 1, rows: 1, dimensions: 1 },
  { queryCount: 3, rows: 127, dimensions: 3 },
  { queryCount: 127, rows: 129, dimensions: 7 },
  { queryCount: 128, rows: 128, dimensions: 16 },
  { queryCount: 129, rows: 257, dimensions: 100, kind: 'clustered' },
  { queryCount: 30, rows: 300, dimensions: 128, kind: 'offset' },
  { queryCount: 200, rows: 64, dimensions: 130, kind: 'uniform' },
]);

export default cases(
  'pairwise_distances',
  shapes.map((shape) => ({ name: shape.name, make: () => distancesRun(shape) })),
);
