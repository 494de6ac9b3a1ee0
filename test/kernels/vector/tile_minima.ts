// tile_minima: the least distance of each query to each tile of 128 rows, for many queries.
import { cases } from '../../support/cases.js';
import { matrixShapes, minimaRun } from '../../support/matrix.js';

const shapes = matrixShapes([
  { queryCount: 1, rows: 1, dimensions: 1 },
  { queryCount: 3, rows: 127, dimensions: 3 },
  { queryCount: 127, rows: 129, dimensions: 7 },
  { queryCount: 128, rows: 128, dimensions: 16 },
  { queryCount: 129, rows: 257, dimensions: 100, kind: 'clustered' },
  { queryCount: 130, rows: 300, dimensions: 128, kind: 'offset' },
  { queryCount: 5, rows: 1000, dimensions: 130, kind: 'uniform' },
  { queryCount: 129, rows: 700, dimensions: 3, kind: 'integer' },
]);

export default cases(
  'tile_minima',
  shapes.map((shape) => ({ name: shape.name, make: () => minimaRun(shape, 128) })),
);
