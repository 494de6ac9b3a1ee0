// cluster_sums: sums and sizes of each cluster's points, in splits that add up to the whole.
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { layoutOf, pack, roundUp, wordIndex } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { countingSort } from '../../support/reference.js';

interface Shape {
  rows: number;
  clusters: number;
  dimensions: number;
  subspaces?: number;
  splits?: number;
  accumulate?: number;
  kind?: DataKind;
}

function sums({ rows, clusters, dimensions, subspaces = 1, splits = 1, accumulate = 0, kind = 'normal' }: Shape) {
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks, subdimensions } = layout;
  const random = new Random(rows + clusters + dimensions);
  const points = random.rows(kind, rows, dimensions);
  const labels = random.words(subspaces * rows, Math.max(1, clusters - 1));
  const { blocks, ends, order } = countingSort(labels, { rows, clusters, block: 1024 });
  const paddedClusters = roundUp(clusters, 128);
  const plane = paddedClusters * chunks * 4;
  const initialSums = random.rows('normal', 1, splits * plane);
  const initialSizes = random.words(subspaces * clusters, 1000);
  const total = new Float64Array(clusters * dimensions);
  const sizes = words(subspaces * clusters, { initial: initialSizes });
  sizes.setAll(accumulate ? initialSizes : new Uint32Array(subspaces * clusters));
  for (let r = 0; r < rows; r++) {
    for (let d = 0; d < dimensions; d++) {
      total[labels[Math.floor(d / subdimensions) * rows + r] * dimensions + d] += points[r * dimensions + d];
    }
    for (let m = 0; m < subspaces; m++) sizes.values[m * clusters + labels[m * rows + r]]++;
  }
  const output = floats(splits * plane, { initial: initialSums });
  for (let s = 0; s < splits; s++) {
    for (let k = 0; k < clusters; k++) {
      for (let word = 0; word < chunks * 4; word++) output.any(s * plane + packedWord(chunks, k, word));
    }
  }
  const check = (outputs: Outputs): string | undefined => {
    for (let i = 0; i < total.length; i++) {
      const at = wordIndex(layout, Math.floor(i / dimensions), i % dimensions);
      let [expected, got] = [total[i], 0];
      for (let s = 0; s < splits; s++) {
        got += outputs.sums[s * plane + at];
        if (accumulate) expected += initialSums[s * plane + at];
      }
      if (!(Math.abs(got - expected) <= 2e-5 * (1 + Math.abs(expected))))
        return `sums: ${i} must be ${expected}, got ${got}`;
    }
    return undefined;
  };
  const buffers = { points: pack(points, layout, points), order, offsets: ends, sums: output, sizes };
  const params = { rows, clusters, blocks, chunks, subspaceChunks, paddedClusters, accumulate };
  return { buffers, params, grid: [clusters, subspaces, splits] as const, check };
}

function packedWord(chunks: number, row: number, word: number): number {
  return ((Math.floor(row / 32) * chunks + (word >> 2)) * 32 + (row % 32)) * 4 + (word & 3);
}

const shapes: Shape[] = [
  { rows: 1, clusters: 1, dimensions: 1 },
  { rows: 127, clusters: 3, dimensions: 3 },
  { rows: 129, clusters: 130, dimensions: 130 },
  { rows: 5000, clusters: 40, dimensions: 16, kind: 'clustered' },
  { rows: 2500, clusters: 7, dimensions: 100, splits: 4 },
  { rows: 2500, clusters: 7, dimensions: 16, splits: 3, accumulate: 1 },
  { rows: 1030, clusters: 16, dimensions: 21, subspaces: 3 },
  { rows: 300, clusters: 256, dimensions: 128, subspaces: 8, accumulate: 1 },
  { rows: 1030, clusters: 5, dimensions: 24, subspaces: 8, splits: 8 },
  { rows: 3000, clusters: 2, dimensions: 7, kind: 'offset' },
];

export default cases(
  'cluster_sums',
  shapes.map((shape) => {
    const { rows, clusters, dimensions, subspaces = 1, splits = 1, accumulate = 0 } = shape;
    const name = `${rows} x ${dimensions}, K ${clusters}, M ${subspaces}, ${splits} splits${accumulate ? ', accumulating' : ''}`;
    return { name, make: () => sums(shape) };
  }),
);
