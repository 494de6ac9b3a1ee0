// scan_add: adds each block's offset to its 2048 values.
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';

function add(count: number) {
  const random = new Random(count);
  const values = random.words(count, 2 ** 32);
  const totals = random.words(Math.ceil(count / 2048), 2 ** 32);
  const data = words(count, { initial: values });
  for (let i = 0; i < count; i++) data.set(i, (values[i] + totals[Math.floor(i / 2048)]) >>> 0);
  return { buffers: { data, totals }, params: { count }, grid: folded(Math.ceil(count / 256)) };
}

export default cases(
  'scan_add',
  [1, 255, 2048, 2049, 30_001].map((count) => ({ name: `${count} values`, make: () => add(count) })),
);
