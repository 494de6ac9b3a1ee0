// scan_blocks: exclusive prefix sums modulo 2^32 within blocks of 2048.
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';

const BLOCK = 2048;

function scan(count: number, bound: number) {
  const values = new Random(count).words(count, bound);
  const blocks = Math.ceil(count / BLOCK);
  const data = words(count, { initial: values });
  const totals = words(blocks);
  for (let block = 0; block < blocks; block++) {
    let sum = 0;
    for (let i = block * BLOCK; i < Math.min(count, (block + 1) * BLOCK); i++) {
      data.set(i, sum);
      sum = (sum + values[i]) >>> 0;
    }
    totals.set(block, sum);
  }
  return { buffers: { data, totals }, params: { count }, grid: folded(blocks, 5) };
}

export default cases('scan_blocks', [
  ...[1, 2047, 2048, 2049, 5000, 50_003].map((count) => ({ name: `${count} values`, make: () => scan(count, 1000) })),
  { name: 'wraps around', make: () => scan(4097, 2 ** 32) },
]);
