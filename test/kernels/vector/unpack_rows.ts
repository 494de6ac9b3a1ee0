// unpack_rows: packed rows back to row-major words, bit by bit.
import { cases, folded, words } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';

function unpack(rows: number, dimensions: number, subspaces = 1) {
  const layout = layoutOf(dimensions, subspaces);
  const random = new Random(rows + dimensions);
  const source = random.words(rows * dimensions, 2 ** 32);
  const packed = pack(source, layout, random.words(dimensions * 9, 2 ** 32));
  const rowsOut = words(rows * dimensions).setAll(source);
  const { subdimensions, chunks } = layout;
  const grid = folded(Math.ceil((rows * dimensions) / 256));
  return { buffers: { packed, rowsOut }, params: { rows, dimensions, subdimensions, chunks }, grid };
}

export default cases('unpack_rows', [
  ...[1, 3, 7, 16, 100, 128, 130].map((dimensions) => ({
    name: `129 x ${dimensions}`,
    make: () => unpack(129, dimensions),
  })),
  { name: '1 x 5', make: () => unpack(1, 5) },
  { name: '127 x 21, 3 subspaces', make: () => unpack(127, 21, 3) },
  { name: '128 x 24, 8 subspaces', make: () => unpack(128, 24, 8) },
]);
