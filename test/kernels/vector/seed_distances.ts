// seed_distances: the squared distance to the nearest centroid chosen so far, and its sums over blocks of 1024.
import { cases, floats } from '../../support/cases.js';
import { layoutOf, pack, subvector } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { squaredDistance } from '../../support/reference.js';

function distances(rows: number, dimensions: number, steps: readonly number[], kind: DataKind = 'normal') {
  const subspaces = steps.length;
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks } = layout;
  const random = new Random(rows + dimensions);
  const points = random.rows(kind, rows, dimensions);
  const centroids = random.rows(kind, 40, dimensions);
  const blocks = Math.ceil(rows / 1024);
  const before = random.rows('normal', 1, subspaces * rows).map((value) => value * value * layout.subdimensions);
  const nearest = floats(subspaces * rows, { initial: before });
  const sums = floats(subspaces * blocks);
  for (let m = 0; m < subspaces; m++) {
    for (let r = 0; r < rows; r++) {
      const centroid = subvector(centroids, layout, steps[m] - 1, m);
      const value = squaredDistance(subvector(points, layout, r, m), centroid);
      const least = steps[m] === 1 ? value : Math.min(before[m * rows + r], value);
      nearest.set(m * rows + r, least);
      const block = m * blocks + Math.floor(r / 1024);
      sums.set(block, sums.values[block] + least);
    }
  }
  const buffers = {
    points: pack(points, layout, points),
    centroids: pack(centroids, layout),
    steps: Uint32Array.from(steps),
    nearest,
    sums,
  };
  return { buffers, params: { rows, chunks, subspaceChunks, blocks }, grid: [blocks, subspaces] as const };
}

export default cases('seed_distances', [
  { name: '1 x 1, first', make: () => distances(1, 1, [1]) },
  { name: '129 x 130, first', make: () => distances(129, 130, [1]) },
  { name: '1025 x 128, fifth', make: () => distances(1025, 128, [5]) },
  { name: '3000 x 7, large offset', make: () => distances(3000, 7, [2], 'offset') },
  { name: '1023 x 21, 3 subspaces', make: () => distances(1023, 21, [1, 40, 7]) },
  { name: '2049 x 24, 8 subspaces of integers', make: () => distances(2049, 24, [1, 2, 3, 4, 5, 6, 7, 8], 'integer') },
]);
