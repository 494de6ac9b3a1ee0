// candidate_slots: from a candidate's number within its query to the slot it lies in.
import { cases, folded, words } from '../../support/cases.js';
import { Lists } from '../../support/lists.js';
import { NONE } from '../../support/packed.js';
import { Random } from '../../support/random.js';

function slots(queryCount: number, probeCount: number, k: number, sizes: readonly number[]) {
  const random = new Random(queryCount + probeCount + k);
  const lists = new Lists(random, { sizes, queryCount, probeCount });
  const { probes, offsets, listBegin, groups } = lists;
  const bySlot = new Map<number, number>();
  for (const { q, candidate, slot } of lists.candidates()) bySlot.set(q * 2 ** 20 + candidate, slot);
  const indices = new Uint32Array(queryCount * k).fill(NONE);
  const output = words(queryCount * k);
  for (let i = 0; i < indices.length; i++) {
    const q = Math.floor(i / k);
    const length = lists.lengths[q];
    // First and last candidates, then any, and now and then none.
    if (length > 0 && i % 11 !== 10) indices[i] = i % k === 0 ? 0 : i % k === 1 ? length - 1 : random.below(length);
    output.set(i, indices[i] === NONE ? NONE : (bySlot.get(q * 2 ** 20 + indices[i]) as number));
  }
  const buffers = { indices, probes, offsets, listBegin, groups, slots: output };
  return { buffers, params: { queryCount, k, probeCount }, grid: folded(Math.ceil((queryCount * k) / 256), 2) };
}

const sizes = [0, 5, 32, 0, 0, 33, 100, 1, 64, 0, 200, 31];

export default cases('candidate_slots', [
  { name: '1 query, 1 probe', make: () => slots(1, 1, 1, [40]) },
  { name: '3 queries, 3 probes, k 10', make: () => slots(3, 3, 10, sizes) },
  { name: '129 queries, 7 probes, k 5', make: () => slots(129, 7, 5, sizes) },
  { name: '9 queries, more probes than lists, k 100', make: () => slots(9, 16, 100, sizes) },
  { name: '6 queries, only empty lists', make: () => slots(6, 2, 3, [0, 0, 0]) },
]);
