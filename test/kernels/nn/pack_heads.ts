// pack_heads: head-major keys to packed rows of all heads.
import { cases, floats, folded, words } from '../../support/cases.js';
import { layoutOf, NONE, roundUp, TILE, wordIndex } from '../../support/packed.js';
import { Random } from '../../support/random.js';

interface Shape {
  heads: number;
  keys: number;
  dimensions: number;
  subspaces: number;
  first?: number;
  firstHead?: number;
  /** Room for one more dimension in each sub-vector. */
  augmented?: number;
  invalid?: number;
}

function packHeads({ heads, keys, dimensions, subspaces, first = 0, firstHead = 0, augmented = 0, invalid }: Shape) {
  const random = new Random(keys + dimensions);
  const subdimensions = dimensions / subspaces;
  const width = subdimensions + augmented;
  const layout = layoutOf(heads * subspaces * width, heads * subspaces);
  const rows = keys - first;
  const source = random.rows('normal', (firstHead + heads) * keys, dimensions);
  if (invalid !== undefined) source[invalid * dimensions] = Number.NaN;
  const paddedRows = roundUp(rows, TILE);
  const packed = floats(paddedRows * layout.chunks * 4, { nmse: 0 });
  for (let i = 0; i < packed.length; i++) packed.set(i, 0);
  for (let row = 0; row < rows; row++)
    for (let head = 0; head < heads; head++)
      for (let d = 0; d < dimensions; d++) {
        const place = (head * subspaces + Math.floor(d / subdimensions)) * width + (d % subdimensions);
        const value = source[((firstHead + head) * keys + first + row) * dimensions + d];
        const at = wordIndex(layout, row, place);
        if (Number.isNaN(value)) packed.any(at);
        else packed.set(at, value);
      }
  const firstInvalid = words(1, { initial: Uint32Array.of(NONE) });
  firstInvalid.set(0, invalid ?? NONE);
  return {
    buffers: { source, packed, firstInvalid },
    params: {
      keys,
      first,
      rows,
      paddedRows,
      dimensions,
      subdimensions,
      chunks: layout.chunks,
      subspaceChunks: layout.subspaceChunks,
      firstHead,
    },
    grid: folded(Math.ceil((paddedRows * layout.chunks) / 256)),
  };
}

const shapes: Record<string, Shape> = {
  '3 heads of 16': { heads: 3, keys: 100, dimensions: 16, subspaces: 2 },
  'after the first 5 keys': { heads: 2, keys: 70, dimensions: 15, subspaces: 3, first: 5 },
  'augmented, 8 + 1': { heads: 2, keys: 130, dimensions: 16, subspaces: 2, augmented: 1, first: 1 },
  'augmented, 3 + 1, from head 2 on': { heads: 1, keys: 40, dimensions: 6, subspaces: 2, augmented: 1, firstHead: 2 },
  'a NaN': { heads: 2, keys: 50, dimensions: 8, subspaces: 1, invalid: 61 },
};

export default cases(
  'pack_heads',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => packHeads(shape) })),
);
