// residuals: each point minus the centroid of its label; zero past the last row of the last group.
import { cases, floats, folded } from '../../support/cases.js';
import { layoutOf, pack, roundUp, wordIndex } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';

function residuals(rows: number, clusters: number, dimensions: number, kind: DataKind = 'normal') {
  const layout = layoutOf(dimensions);
  const { chunks } = layout;
  const random = new Random(rows + dimensions);
  const points = random.rows(kind, rows, dimensions);
  const centroids = random.rows(kind, clusters, dimensions);
  const labels = random.words(rows, clusters);
  const written = roundUp(rows, 32) * chunks * 4;
  const output = floats(roundUp(rows, 128) * chunks * 4, { nmse: 1e-13 }).setAll(new Float64Array(written));
  for (let row = 0; row < rows; row++) {
    for (let d = 0; d < dimensions; d++) {
      output.set(wordIndex(layout, row, d), points[row * dimensions + d] - centroids[labels[row] * dimensions + d]);
    }
  }
  const buffers = {
    points: pack(points, layout, points),
    centroids: pack(centroids, layout),
    labels,
    residuals: output,
  };
  return { buffers, params: { rows, chunks }, grid: folded(Math.ceil(written / 1024)) };
}

export default cases('residuals', [
  { name: '1 x 3, 1 cluster', make: () => residuals(1, 1, 3) },
  { name: '127 x 130, 3 clusters', make: () => residuals(127, 3, 130) },
  { name: '128 x 128, 40 clusters', make: () => residuals(128, 40, 128) },
  { name: '129 x 7, large offset', make: () => residuals(129, 200, 7, 'offset') },
]);
