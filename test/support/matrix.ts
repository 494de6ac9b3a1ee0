// Cases of the kernels that compare every query with every row: tile minima and whole distance matrices.
import { floats } from './cases.js';
import { layoutOf, pack, TILE } from './packed.js';
import { type DataKind, Random } from './random.js';
import { distance, INNER_PRODUCT, L2 } from './reference.js';

export interface MatrixShape {
  queryCount: number;
  rows: number;
  dimensions: number;
  metric: number;
  kind?: DataKind;
}

function inputs({ queryCount, rows, dimensions, kind = 'normal' }: MatrixShape) {
  const layout = layoutOf(dimensions);
  const random = new Random(queryCount * 131 + rows + dimensions);
  const queries = random.rows(kind, queryCount, dimensions);
  const storage = random.rows(kind, rows, dimensions);
  const at = (rowMajor: Float32Array, row: number) => rowMajor.subarray(row * dimensions, (row + 1) * dimensions);
  const buffers = { queries: pack(queries, layout, storage), storage: pack(storage, layout, queries) };
  return { buffers, chunks: layout.chunks, query: (q: number) => at(queries, q), row: (r: number) => at(storage, r) };
}

/** `queriesPerGroup` is how many queries one workgroup does. */
export function minimaRun(shape: MatrixShape, queriesPerGroup: number) {
  const { queryCount, rows, metric } = shape;
  const { buffers, chunks, query, row } = inputs(shape);
  const tiles = Math.ceil(rows / TILE);
  const firstTile = 2;
  const stride = firstTile + tiles + 1;
  const minima = floats(queryCount * stride);
  for (let q = 0; q < queryCount; q++) {
    for (let tile = 0; tile < tiles; tile++) {
      let least = Number.POSITIVE_INFINITY;
      for (let r = tile * TILE; r < Math.min(rows, (tile + 1) * TILE); r++)
        least = Math.min(least, distance(metric, query(q), row(r)));
      minima.set(q * stride + firstTile + tile, least);
    }
  }
  const params = { queryCount, rows, chunks, firstTile, stride };
  const grid = [tiles, Math.ceil(queryCount / queriesPerGroup)] as const;
  return { buffers: { ...buffers, minima }, params, constants: { metric }, grid };
}

export function distancesRun(shape: MatrixShape) {
  const { queryCount, rows, metric } = shape;
  const { buffers, chunks, query, row } = inputs(shape);
  const stride = rows + 3;
  const distances = floats(queryCount * stride);
  for (let q = 0; q < queryCount; q++) {
    for (let r = 0; r < rows; r++) distances.set(q * stride + r, distance(metric, query(q), row(r)));
  }
  const grid = [Math.ceil(rows / TILE), Math.ceil(queryCount / TILE)] as const;
  return {
    buffers: { ...buffers, distances },
    params: { queryCount, rows, chunks, stride },
    constants: { metric },
    grid,
  };
}

export function matrixShapes(shapes: readonly Omit<MatrixShape, 'metric'>[]): (MatrixShape & { name: string })[] {
  return [L2, INNER_PRODUCT].flatMap((metric) =>
    shapes.map((shape) => {
      const { queryCount, rows, dimensions, kind = 'normal' } = shape;
      return {
        ...shape,
        metric,
        name: `${metric === L2 ? 'L2' : 'inner product'} ${queryCount} x ${rows} x ${dimensions}, ${kind}`,
      };
    }),
  );
}
