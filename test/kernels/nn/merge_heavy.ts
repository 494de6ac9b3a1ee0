// merge_heavy: sink positions, the best candidates of all parts, window positions.
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { topPositions } from '../../support/top-positions.js';

interface Shape {
  heads: number;
  keys: number;
  part: number;
  heavy: number;
  sink: number;
  window: number;
  /** Different scores. */
  distinct: number;
}

function merge({ heads, keys, part, heavy, sink, window, distinct }: Shape) {
  const random = new Random(keys + heavy);
  const eligible = keys - sink - window;
  const each = Math.min(part, heavy);
  const count = Math.floor(eligible / part) * each + Math.min(heavy, eligible % part);
  const stride = count + 5;
  const length = sink + heavy + window;
  const scores = Uint32Array.from({ length: heads * stride }, () => (random.below(distinct) * 2654435761) >>> 0);
  const positions = Uint32Array.from({ length: heads * stride }, (_, i) => sink + 3 * (i % stride));
  const list = words(heads * length);
  for (let head = 0; head < heads; head++) {
    const first = head * stride;
    const top = topPositions(scores.subarray(first, first + count), heavy);
    for (let i = 0; i < sink; i++) list.set(head * length + i, i);
    for (const [i, at] of top.entries()) list.set(head * length + sink + i, positions[first + at]);
    for (let i = 0; i < window; i++) list.set(head * length + sink + heavy + i, keys - window + i);
  }
  return {
    buffers: { scores, positions, state: Uint32Array.of(keys), list },
    params: { part, heavy, sink, window, stride },
    grid: folded(heads, heads),
  };
}

const base: Shape = { heads: 3, keys: 3000, part: 512, heavy: 100, sink: 7, window: 11, distinct: 1 << 30 };

const shapes: Record<string, Shape> = {
  'distinct scores': base,
  'few scores': { ...base, distinct: 40 },
  'equal scores': { ...base, distinct: 1 },
  'one part': { ...base, part: 2048, keys: 900 },
  'all that are eligible': { ...base, keys: 118, part: 64 },
  'more candidates than are cached': { ...base, keys: 6000, heavy: 700, distinct: 3000 },
  'nothing at the ends': { ...base, sink: 0, window: 0, heavy: 1 },
};

export default cases(
  'merge_heavy',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => merge(shape) })),
);
