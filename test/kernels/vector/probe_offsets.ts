// probe_offsets: where the candidates of each probed list begin, and how many a query has.
import { cases, folded, words } from '../../support/cases.js';
import { Lists } from '../../support/lists.js';
import { Random } from '../../support/random.js';

function offsets(queryCount: number, probeCount: number, listCount: number) {
  const random = new Random(queryCount + probeCount + listCount);
  const sizes = Array.from(random.words(listCount, 3), (emptiness) => (emptiness === 0 ? 0 : random.below(100_000)));
  const { probes, listRows, offsets: expected, lengths } = new Lists(random, { sizes, queryCount, probeCount });
  const buffers = {
    probes,
    listRows,
    offsets: words(expected.length).setAll(expected),
    lengths: words(queryCount).setAll(lengths),
  };
  return { buffers, params: { queryCount, probeCount }, grid: folded(queryCount, 5) };
}

export default cases('probe_offsets', [
  { name: '1 query, 1 probe', make: () => offsets(1, 1, 1) },
  { name: '7 queries, 3 probes', make: () => offsets(7, 3, 10) },
  { name: '129 queries, 16 probes', make: () => offsets(129, 16, 40) },
  { name: '12 queries, 300 probes, fewer lists', make: () => offsets(12, 300, 200) },
  { name: '3 queries, 1024 probes', make: () => offsets(3, 1024, 1500) },
  { name: '3 queries, 1025 probes', make: () => offsets(3, 1025, 1500) },
]);
