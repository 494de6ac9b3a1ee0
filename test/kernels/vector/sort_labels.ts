// sort_labels: the rows of each cluster in ascending order; offsets become ends.
import { cases, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { countingSort } from '../../support/reference.js';

function sort(rows: number, clusters: number, block: number, subspaces = 1) {
  const labels = new Random(rows + clusters).words(subspaces * rows, clusters);
  const { blocks, begins, ends, order } = countingSort(labels, { rows, clusters, block });
  const offsets = words(begins.length, { initial: begins }).setAll(ends);
  const grid = [blocks, subspaces] as const;
  const buffers = { labels, offsets, order: words(order.length).setAll(order) };
  return { buffers, params: { rows, clusters, block, blocks }, grid };
}

export default cases('sort_labels', [
  { name: '1 row, 1 cluster', make: () => sort(1, 1, 1024) },
  { name: '129 rows, 3 clusters', make: () => sort(129, 3, 1024) },
  { name: '5000 rows, 300 clusters, blocks of 1024', make: () => sort(5000, 300, 1024) },
  { name: '5000 rows, 1000 clusters, blocks of 2048', make: () => sort(5000, 1000, 2048) },
  { name: '1025 rows, 16 clusters, 8 subspaces', make: () => sort(1025, 16, 1024, 8) },
  { name: '700 rows, 256 clusters, 3 subspaces, blocks of 300', make: () => sort(700, 256, 300, 3) },
]);
