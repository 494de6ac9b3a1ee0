// row_norms: squared length of each sub-vector.
import { cases, floats } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { squaredNorms } from '../../support/reference.js';

function norms(rows: number, dimensions: number, subspaces = 1, kind: DataKind = 'normal') {
  const layout = layoutOf(dimensions, subspaces);
  const source = new Random(rows + dimensions).rows(kind, rows, dimensions);
  const output = floats(subspaces * rows).setAll(squaredNorms(source, layout));
  const { chunks, subspaceChunks } = layout;
  const grid = [Math.ceil(rows / 256), subspaces] as const;
  return {
    buffers: { packed: pack(source, layout, source), norms: output },
    params: { rows, chunks, subspaceChunks },
    grid,
  };
}

export default cases('row_norms', [
  ...[1, 3, 7, 16, 100, 128, 130].map((dimensions) => ({
    name: `129 x ${dimensions}`,
    make: () => norms(129, dimensions),
  })),
  { name: '1 x 128', make: () => norms(1, 128) },
  { name: '257 x 100, large offset', make: () => norms(257, 100, 1, 'offset') },
  { name: '300 x 21, 3 subspaces', make: () => norms(300, 21, 3) },
  { name: '127 x 24, 8 subspaces', make: () => norms(127, 24, 8) },
]);
