// count_labels: how often each label occurs in each block of points.
import { cases, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { countingSort } from '../../support/reference.js';

function count(rows: number, clusters: number, block: number, subspaces = 1) {
  const labels = new Random(rows + clusters).words(subspaces * rows, clusters);
  const { blocks, counts } = countingSort(labels, { rows, clusters, block });
  const output = words(counts.length, { initial: new Uint32Array(counts.length) }).setAll(counts);
  const grid = [blocks, subspaces] as const;
  return { buffers: { labels, counts: output }, params: { rows, clusters, block, blocks }, grid };
}

export default cases('count_labels', [
  { name: '1 row, 1 cluster', make: () => count(1, 1, 1024) },
  { name: '129 rows, 3 clusters', make: () => count(129, 3, 1024) },
  { name: '5000 rows, 300 clusters, blocks of 1024', make: () => count(5000, 300, 1024) },
  { name: '5000 rows, 1000 clusters, blocks of 2048', make: () => count(5000, 1000, 2048) },
  { name: '1025 rows, 16 clusters, 8 subspaces', make: () => count(1025, 16, 1024, 8) },
  { name: '700 rows, 256 clusters, 3 subspaces, blocks of 300', make: () => count(700, 256, 300, 3) },
]);
