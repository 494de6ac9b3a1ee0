// scan_minima: the least distance of each query to each tile of 128 rows, for few queries.
import { cases } from '../../support/cases.js';
import { matrixShapes, minimaRun } from '../../support/matrix.js';

const shapes = matrixShapes([
  { queryCount: 1, rows: 1, dimensions: 1 },
  { queryCount: 1, rows: 127, dimensions: 3 },
  { queryCount: 2, rows: 200, dimensions: 37 },
  { queryCount: 7, rows: 129, dimensions: 7 },
  { queryCount: 8, rows: 128, dimensions: 16 },
  { queryCount: 12, rows: 200, dimensions: 23 },
  { queryCount: 9, rows: 257, dimensions: 100, kind: 'clustered' },
  { queryCount: 3, rows: 3000, dimensions: 128, kind: 'offset' },
  { queryCount: 17, rows: 1000, dimensions: 130, kind: 'uniform' },
  { queryCount: 8, rows: 700, dimensions: 3, kind: 'integer' },
]);

export default cases(
  'scan_minima',
  shapes.map((shape) => ({ name: shape.name, make: () => minimaRun(shape, 8) })),
);
