// split_clusters: an empty cluster takes half of a donor, in the order of the triples.
import { cases, floats } from '../../support/cases.js';
import { layoutOf, pack, wordIndex } from '../../support/packed.js';
import { Random } from '../../support/random.js';

const STEP = 1 / 1024;

function split(clusters: number, dimensions: number, subspaces: number, triples: readonly (readonly number[])[]) {
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks, subdimensions } = layout;
  const before = pack(new Random(clusters + dimensions).rows('normal', clusters, dimensions), layout);
  const centroids = floats(before.length, { initial: before, nmse: 1e-13 });
  for (const [empty, donor, m] of triples) {
    for (let d = 0; d < subdimensions; d++) {
      const from = wordIndex(layout, donor, m * subdimensions + d);
      const to = wordIndex(layout, empty, m * subdimensions + d);
      const value = centroids.marks[from] ? centroids.values[from] : before[from];
      const sign = d % 2 === 0 ? 1 : -1;
      centroids.set(to, value * (1 + sign * STEP));
      centroids.set(from, value * (1 - sign * STEP));
    }
    for (let d = subdimensions; d < subspaceChunks * 4; d++) {
      for (const k of [empty, donor]) {
        const chunk = m * subspaceChunks + (d >> 2);
        centroids.set(((Math.floor(k / 32) * chunks + chunk) * 32 + (k % 32)) * 4 + (d & 3), 0);
      }
    }
  }
  const params = { count: triples.length, chunks, subspaceChunks };
  return { buffers: { pairs: Uint32Array.from(triples.flat()), centroids }, params, grid: [1] as const };
}

export default cases('split_clusters', [
  { name: 'one of 2 x 1', make: () => split(2, 1, 1, [[1, 0, 0]]) },
  {
    name: 'a repeated donor, 129 x 130',
    make: () =>
      split(129, 130, 1, [
        [128, 3, 0],
        [0, 3, 0],
        [77, 128, 0],
      ]),
  },
  {
    name: 'more chunks than threads',
    make: () =>
      split(3, 1100, 1, [
        [2, 1, 0],
        [0, 2, 0],
      ]),
  },
  {
    name: 'subspaces',
    make: () =>
      split(40, 24, 8, [
        [1, 2, 7],
        [1, 2, 0],
        [39, 1, 7],
        [5, 2, 3],
      ]),
  },
  {
    name: 'subspaces of 7',
    make: () =>
      split(40, 21, 3, [
        [1, 2, 2],
        [3, 1, 2],
        [0, 39, 1],
      ]),
  },
]);
