// augment_rows: the dimension that makes all sub-vectors of a subspace equally long.
import { cases, floats, folded } from '../../support/cases.js';
import { layoutOf, pack, wordIndex } from '../../support/packed.js';
import { Random } from '../../support/random.js';
import { squaredNorms } from '../../support/reference.js';

interface Shape {
  rows: number;
  subspaces: number;
  subdimensions: number;
}

function augment({ rows, subspaces, subdimensions }: Shape) {
  const width = subdimensions + 1;
  const layout = layoutOf(subspaces * width, subspaces);
  const vectors = new Random(rows).rows('normal', rows, layout.dimensions);
  for (let i = subdimensions; i < vectors.length; i += width) vectors[i] = 0;
  const norms = Float32Array.from(squaredNorms(vectors, layout));
  const initial = pack(vectors, layout);
  const packed = floats(initial.length, { initial, nmse: 1e-9 });
  const limits = floats(subspaces, { nmse: 0 });
  for (let p = 0; p < subspaces; p++) {
    const own = norms.subarray(p * rows, (p + 1) * rows);
    const limit = own.reduce((most, norm) => Math.max(most, norm), 0);
    limits.set(p, limit);
    for (let row = 0; row < rows; row++)
      packed.set(wordIndex(layout, row, p * width + subdimensions), Math.sqrt(limit - own[row]));
  }
  const { chunks, subspaceChunks } = layout;
  return {
    buffers: { packed, norms, limits },
    params: { rows, chunks, subspaceChunks, subdimensions },
    grid: folded(subspaces),
  };
}

export default cases(
  'augment_rows',
  [
    { rows: 1, subspaces: 1, subdimensions: 4 },
    { rows: 300, subspaces: 5, subdimensions: 8 },
    { rows: 131, subspaces: 2, subdimensions: 3 },
  ].map((shape) => ({
    name: `${shape.rows} rows, ${shape.subspaces} x ${shape.subdimensions}`,
    make: () => augment(shape),
  })),
);
