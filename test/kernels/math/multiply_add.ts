// multiply_add: eight chains of multiply-adds for each value.
import { cases, floats, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';

function chains(count: number, rounds: number, factor: number) {
  const start = new Random(count).rows('normal', 1, count);
  const results = floats(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let chain = 0; chain < 8; chain++) {
      let x = start[i] + chain;
      for (let round = 0; round < rounds; round++) x = x * factor + 0.25;
      sum += x;
    }
    results.set(i, sum);
  }
  const params = { count, rounds, factor, addend: 0.25 };
  return { buffers: { start, results }, params, grid: folded(Math.ceil(count / 256), 2) };
}

export default cases('multiply_add', [
  { name: '1 value, no rounds', make: () => chains(1, 0, 0.5) },
  { name: '257 values, 3 rounds', make: () => chains(257, 3, -0.75) },
  { name: '1000 values, 100 rounds', make: () => chains(1000, 100, 0.96875) },
]);
