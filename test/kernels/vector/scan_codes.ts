// scan_codes: distances of each query to the decoded codes of its probed lists, one segment at a time.
import { cases, floats } from '../../support/cases.js';
import { Lists } from '../../support/lists.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';
import { distance, INNER_PRODUCT, L2 } from '../../support/reference.js';

interface Shape {
  queryCount: number;
  probeCount: number;
  dimensions: number;
  subspaces: number;
  bits: number;
  codewords?: number;
  metric?: number;
  residual?: number;
  splits?: number;
  /** First group and group count of the bound segment; all groups when absent. */
  segment?: readonly [number, number];
}

const sizes = [0, 5, 32, 700, 0, 33, 100, 1, 64, 129, 200, 31];

/** Codes of every slot, [slot*subspaces + m], and the interleaved words that hold them. */
function makeCodes(random: Random, slots: number, { subspaces, bits, codewords = 2 ** bits }: Shape) {
  const codes = random.words(slots * subspaces, codewords);
  const perWord = 32 / bits;
  const codeChunks = Math.ceil(subspaces / perWord / 4);
  const words = new Uint32Array(slots * codeChunks * 4);
  for (let i = 0; i < codes.length; i++) {
    const [slot, m] = [Math.floor(i / subspaces), i % subspaces];
    const w = Math.floor(m / perWord);
    const at = ((Math.floor(slot / 32) * codeChunks + (w >> 2)) * 32 + (slot % 32)) * 4 + (w & 3);
    words[at] += codes[i] * 2 ** ((m % perWord) * bits);
  }
  return { codes, words, codeChunks };
}

function scan(shape: Shape) {
  const { queryCount, probeCount, dimensions, subspaces, bits, metric = L2, residual = 1, splits = 1 } = shape;
  const codewords = shape.codewords ?? 2 ** bits;
  const random = new Random(queryCount + probeCount + dimensions + subspaces);
  const lists = new Lists(random, { sizes, queryCount, probeCount });
  const [firstGroup, groupCount] = shape.segment ?? [0, lists.groupCount];
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks, subdimensions } = layout;
  const queries = random.rows('normal', queryCount, dimensions);
  const centroids = random.rows('normal', sizes.length, dimensions);
  const codebooks = random.rows('uniform', codewords, dimensions);
  const { codes, words, codeChunks } = makeCodes(random, groupCount * 32, shape);
  const stride = lists.longest + 5;
  const distances = floats(queryCount * stride);
  const decoded = new Float64Array(dimensions);
  for (const { q, list, slot, candidate } of lists.candidates()) {
    const row = slot - firstGroup * 32;
    if (row < 0 || row >= groupCount * 32) continue;
    for (let d = 0; d < dimensions; d++) {
      const code = codes[row * subspaces + Math.floor(d / subdimensions)];
      decoded[d] = codebooks[code * dimensions + d] + (residual ? centroids[list * dimensions + d] : 0);
    }
    distances.set(
      q * stride + candidate,
      distance(metric, queries.subarray(q * dimensions, (q + 1) * dimensions), decoded),
    );
  }
  const { probes, offsets, listBegin, groups, listRows } = lists;
  const buffers = {
    queries: pack(queries, layout, centroids),
    centroids: pack(centroids, layout, queries),
    codebooks: pack(codebooks, layout, queries),
    probes,
    offsets,
    listBegin,
    groups,
    listRows,
    codes: words,
    distances,
  };
  const params = {
    probeCount,
    chunks,
    subspaces,
    subspaceChunks,
    codeChunks,
    codewords,
    stride,
    firstGroup,
    groupCount,
  };
  return { buffers, params, constants: { metric, bits, residual }, grid: [probeCount, queryCount, splits] as const };
}

const shapes: Record<string, Shape> = {
  '8 bits, 1 subspace of 3': { queryCount: 1, probeCount: 1, dimensions: 3, subspaces: 1, bits: 8 },
  '8 bits, 16 subspaces': { queryCount: 5, probeCount: 5, dimensions: 128, subspaces: 16, bits: 8 },
  '8 bits, 3 subspaces of 7, 200 codewords': {
    queryCount: 4,
    probeCount: 12,
    dimensions: 21,
    subspaces: 3,
    bits: 8,
    codewords: 200,
  },
  '8 bits, 35 subspaces': { queryCount: 3, probeCount: 4, dimensions: 70, subspaces: 35, bits: 8, splits: 2 },
  '4 bits, 8 subspaces': { queryCount: 7, probeCount: 6, dimensions: 24, subspaces: 8, bits: 4 },
  '4 bits, 33 subspaces': { queryCount: 3, probeCount: 16, dimensions: 99, subspaces: 33, bits: 4, splits: 3 },
  '8 bits, middle segment': { queryCount: 6, probeCount: 8, dimensions: 40, subspaces: 20, bits: 8, segment: [11, 9] },
};

export default cases(
  'scan_codes',
  [L2, INNER_PRODUCT].flatMap((metric) =>
    [1, 0].flatMap((residual) =>
      Object.entries(shapes).map(([name, shape]) => ({
        name: `${metric === L2 ? 'L2' : 'inner product'}, ${residual ? 'residual, ' : ''}${name}`,
        make: () => scan({ ...shape, metric, residual }),
      })),
    ),
  ),
);
