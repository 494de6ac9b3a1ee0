// scan_rows: exact distances of each query to the rows of its probed lists, one storage segment at a time.
import { cases, floats } from '../../support/cases.js';
import { Lists } from '../../support/lists.js';
import { layoutOf, pack } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { distance, INNER_PRODUCT, L2 } from '../../support/reference.js';

interface Shape {
  sizes: readonly number[];
  queryCount: number;
  probeCount: number;
  dimensions: number;
  metric?: number;
  splits?: number;
  kind?: DataKind;
  /** First group and group count of the bound segment; all groups when absent. */
  segment?: readonly [number, number];
}

function scan({ sizes, queryCount, probeCount, dimensions, metric = L2, splits = 1, kind = 'normal', segment }: Shape) {
  const random = new Random(queryCount + probeCount + dimensions);
  const lists = new Lists(random, { sizes, queryCount, probeCount });
  const [firstGroup, groupCount] = segment ?? [0, lists.groupCount];
  const layout = layoutOf(dimensions);
  const queries = random.rows(kind, queryCount, dimensions);
  const storage = random.rows(kind, groupCount * 32, dimensions);
  const stride = lists.longest + 5;
  const distances = floats(queryCount * stride);
  for (const { q, slot, candidate } of lists.candidates()) {
    const row = slot - firstGroup * 32;
    if (row < 0 || row >= groupCount * 32) continue;
    const query = queries.subarray(q * dimensions, (q + 1) * dimensions);
    distances.set(
      q * stride + candidate,
      distance(metric, query, storage.subarray(row * dimensions, (row + 1) * dimensions)),
    );
  }
  const { probes, offsets, listBegin, groups, listRows } = lists;
  const buffers = {
    queries: pack(queries, layout, storage),
    probes,
    offsets,
    listBegin,
    groups,
    listRows,
    storage: pack(storage, layout),
    distances,
  };
  const params = { probeCount, chunks: layout.chunks, stride, firstGroup, groupCount };
  return { buffers, params, constants: { metric }, grid: [probeCount, queryCount, splits] as const };
}

const sizes = [0, 5, 32, 700, 0, 33, 100, 1, 64, 129, 200, 31];
const shapes: Record<string, Shape> = {
  'one row': { sizes: [1], queryCount: 1, probeCount: 1, dimensions: 1 },
  '3 dimensions': { sizes, queryCount: 3, probeCount: 3, dimensions: 3 },
  '128 dimensions, clustered': { sizes, queryCount: 7, probeCount: 5, dimensions: 128, kind: 'clustered' },
  '130 dimensions, large offset': { sizes, queryCount: 5, probeCount: 4, dimensions: 130, kind: 'offset' },
  'more probes than lists, 3 splits': { sizes, queryCount: 4, probeCount: 16, dimensions: 7, splits: 3 },
  'middle segment': { sizes, queryCount: 9, probeCount: 8, dimensions: 16, segment: [11, 9], splits: 2 },
  'first segment': { sizes, queryCount: 3, probeCount: 12, dimensions: 100, segment: [0, 7] },
};

export default cases(
  'scan_rows',
  [L2, INNER_PRODUCT].flatMap((metric) =>
    Object.entries(shapes).map(([name, shape]) => ({
      name: `${metric === L2 ? 'L2' : 'inner product'}, ${name}`,
      make: () => scan({ ...shape, metric }),
    })),
  ),
);
