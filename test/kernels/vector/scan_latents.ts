// scan_latents: distances of float latents to the stored codes of probed lists.
import { cases, floats } from '../../support/cases.js';
import { Lists } from '../../support/lists.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';
import { distance, INNER_PRODUCT, L2 } from '../../support/reference.js';

interface Shape {
  sizes: readonly number[];
  queryCount: number;
  probeCount: number;
  latent: number;
  splits?: number;
  segment?: readonly [number, number];
}

function scan({ sizes, queryCount, probeCount, latent, splits = 1, segment }: Shape, metric: number) {
  const random = new Random(queryCount + probeCount + latent);
  const lists = new Lists(random, { sizes, queryCount, probeCount });
  const [firstGroup, groupCount] = segment ?? [0, lists.groupCount];
  const words = Math.ceil(latent / 4);
  const chunks = Math.ceil((words + 1) / 4);
  const queries = random.rows('normal', queryCount, latent);
  const stored = new Float32Array(groupCount * 32 * latent);
  const storage = new Uint32Array(groupCount * 32 * chunks * 4);
  const bytes = new Int8Array(storage.buffer);
  for (let row = 0; row < groupCount * 32; row++) {
    const wordAt = (w: number) => ((Math.floor(row / 32) * chunks + Math.floor(w / 4)) * 32 + (row % 32)) * 4 + (w % 4);
    const scale = Math.fround(0.01 * (0.5 + random.uniform()));
    for (let i = 0; i < latent; i++) {
      const code = random.below(255) - 127;
      bytes[wordAt(i >> 2) * 4 + (i & 3)] = code;
      stored[row * latent + i] = code * scale;
    }
    storage[wordAt(words)] = new Uint32Array(Float32Array.of(scale).buffer)[0];
  }
  const stride = lists.longest + 5;
  const distances = floats(queryCount * stride);
  for (const { q, slot, candidate } of lists.candidates()) {
    const row = slot - firstGroup * 32;
    if (row < 0 || row >= groupCount * 32) continue;
    const query = queries.subarray(q * latent, (q + 1) * latent);
    distances.set(q * stride + candidate, distance(metric, query, stored.subarray(row * latent, (row + 1) * latent)));
  }
  const { probes, offsets, listBegin, groups, listRows } = lists;
  const buffers = {
    queries: pack(queries, layoutOf(latent)),
    probes,
    offsets,
    listBegin,
    groups,
    listRows,
    storage,
    distances,
  };
  const params = { probeCount, words, chunks, stride, firstGroup, groupCount };
  return { buffers, params, constants: { metric }, grid: [probeCount, queryCount, splits] as const };
}

const sizes = [0, 5, 32, 700, 0, 33, 100, 1, 64, 129, 200, 31];
const shapes: Record<string, Shape> = {
  'one row': { sizes: [1], queryCount: 1, probeCount: 1, latent: 1 },
  '13 dimensions': { sizes, queryCount: 3, probeCount: 3, latent: 13 },
  '128 dimensions, 3 splits': { sizes, queryCount: 5, probeCount: 4, latent: 128, splits: 3 },
  '60 dimensions, middle segment': { sizes, queryCount: 9, probeCount: 8, latent: 60, segment: [11, 9] },
};

export default cases(
  'scan_latents',
  [L2, INNER_PRODUCT].flatMap((metric) =>
    Object.entries(shapes).map(([name, shape]) => ({
      name: `${metric === L2 ? 'L2' : 'inner product'}, ${name}`,
      make: () => scan(shape, metric),
    })),
  ),
);
