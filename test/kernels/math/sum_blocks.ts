// sum_blocks: sums of blocks of 4096 floats of each row.
import { cases, floats } from '../../support/cases.js';
import { type DataKind, Random } from '../../support/random.js';

const BLOCK = 4096;

function sum(kind: DataKind, rows: number, count: number) {
  const values = new Random(rows * count).rows(kind, rows, count);
  const blocks = Math.ceil(count / BLOCK);
  const sums = floats(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      let total = 0;
      for (let i = block * BLOCK; i < Math.min(count, (block + 1) * BLOCK); i++) total += values[row * count + i];
      sums.set(row * blocks + block, total);
    }
  }
  return { buffers: { values, sums }, params: { count, rows }, grid: [blocks, rows] as const };
}

export default cases('sum_blocks', [
  ...[1, 127, 4095, 4096, 4097, 20_001].map((count) => ({
    name: `3 x ${count} normal`,
    make: () => sum('normal', 3, count),
  })),
  { name: '1 x 10000 with a large offset', make: () => sum('offset', 1, 10_000) },
  { name: '8 x 5000 integers', make: () => sum('integer', 8, 5000) },
]);
