// update_centroids: sums of all splits over the size, or scaled to length 1; empty clusters stay.
import { cases, floats, folded } from '../../support/cases.js';
import { layoutOf, pack, roundUp, wordIndex } from '../../support/packed.js';
import { Random } from '../../support/random.js';

function update(
  clusters: number,
  dimensions: number,
  options: { subspaces?: number; splits?: number; normalize?: number },
) {
  const { subspaces = 1, splits = 1, normalize = 0 } = options;
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks, subdimensions } = layout;
  const random = new Random(clusters + dimensions);
  const parts = Array.from({ length: splits }, () => random.rows('normal', clusters, dimensions));
  const sizes = random.words(subspaces * clusters, 5);
  // One zero sum in a cluster that is not empty.
  sizes[0] = 2;
  for (const part of parts) part.fill(0, 0, subdimensions);
  const paddedClusters = roundUp(clusters, 128);
  const sums = new Float32Array(splits * paddedClusters * chunks * 4);
  for (const [s, part] of parts.entries()) sums.set(pack(part, layout, part), s * paddedClusters * chunks * 4);
  const before = pack(random.rows('uniform', clusters, dimensions), layout);
  const centroids = floats(before.length, { initial: before, nmse: 1e-12 });
  for (let k = 0; k < clusters; k++) {
    for (let m = 0; m < subspaces; m++) {
      const size = sizes[m * clusters + k];
      // Writing the old value or the layout's zeros back is fine.
      for (let word = 0; word < subspaceChunks * 4; word++) {
        const at = ((Math.floor(k / 32) * chunks + m * subspaceChunks + (word >> 2)) * 32 + (k % 32)) * 4 + (word & 3);
        centroids.set(at, before[at]);
      }
      if (size === 0) continue;
      const begin = k * dimensions + m * subdimensions;
      const sum = Float64Array.from({ length: subdimensions }, (_, d) =>
        parts.reduce((total, part) => total + part[begin + d], 0),
      );
      const length = Math.sqrt(sum.reduce((total, value) => total + value * value, 0));
      const divisor = normalize ? length || 1 : size;
      for (let d = 0; d < subdimensions; d++)
        centroids.set(wordIndex(layout, k, m * subdimensions + d), sum[d] / divisor);
    }
  }
  const params = { clusters, paddedClusters, chunks, subspaceChunks, splits };
  const grid = folded(Math.ceil((clusters * subspaces) / 256));
  return { buffers: { sums, sizes, centroids }, params, constants: { normalize }, grid };
}

export default cases(
  'update_centroids',
  [0, 1].flatMap((normalize) => {
    const kind = normalize ? 'normalized ' : '';
    return [
      { name: `${kind}1 x 1`, make: () => update(1, 1, { normalize }) },
      { name: `${kind}3 x 7, 4 splits`, make: () => update(3, 7, { normalize, splits: 4 }) },
      { name: `${kind}129 x 130`, make: () => update(129, 130, { normalize }) },
      { name: `${kind}300 x 128, 2 splits`, make: () => update(300, 128, { normalize, splits: 2 }) },
      { name: `${kind}127 x 21, 3 subspaces`, make: () => update(127, 21, { normalize, subspaces: 3, splits: 3 }) },
      { name: `${kind}256 x 128, 8 subspaces`, make: () => update(256, 128, { normalize, subspaces: 8 }) },
    ];
  }),
);
