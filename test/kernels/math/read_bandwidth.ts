// read_bandwidth: exclusive or of the vectors that one invocation reads.
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';

function read(count: number) {
  const source = new Random(count).words(count * 4, 2 ** 32);
  const groups = Math.ceil(count / 4096);
  const output = words(groups * 256);
  for (let i = 0; i < output.length; i++) {
    let sum = 0;
    for (let pass = 0; pass < 16; pass++) {
      const at = Math.floor(i / 256) * 4096 + pass * 256 + (i % 256);
      for (let word = at * 4; word < at * 4 + 4 && at < count; word++) sum ^= source[word];
    }
    output.set(i, sum >>> 0);
  }
  return { buffers: { source, folded: output }, params: { count }, grid: folded(groups, 2) };
}

export default cases(
  'read_bandwidth',
  [1, 255, 4096, 4097, 20_003].map((count) => ({ name: `${count} vectors`, make: () => read(count) })),
);
