// seed_choose: draws a row with probability proportional to its nearest distance and makes it the next centroid.
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { layoutOf, pack, subvector, wordIndex } from '../../support/packed.js';
import { Random } from '../../support/random.js';

/** The PCG permutation as a hash, as shaders-vulkan/common/random.glsl has it. */
function hash(value: number): number {
  const state = (Math.imul(value, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

function uniform(seed: number, m: number, step: number): number {
  return (hash(seed ^ hash(m ^ hash(step))) >>> 8) / 2 ** 24;
}

interface Shape {
  rows: number;
  dimensions: number;
  seed: number;
  steps: readonly number[];
  /** Only every n-th row is away from the centroids chosen so far; 0: none is. */
  every?: number;
}

function choose({ rows, dimensions, seed, steps: before, every = 1 }: Shape) {
  const subspaces = before.length;
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks } = layout;
  const random = new Random(rows + dimensions + seed);
  const points = random.rows('normal', rows, dimensions);
  const blocks = Math.ceil(rows / 1024);
  const nearest = new Float32Array(subspaces * rows);
  const exactSums = new Float64Array(subspaces * blocks);
  for (let m = 0; m < subspaces; m++) {
    for (let r = 0; r < rows; r++) {
      const value = every > 0 && r % every === every - 1 ? Math.fround(random.uniform() * 10) : 0;
      nearest[m * rows + r] = value;
      exactSums[m * blocks + Math.floor(r / 1024)] += value;
    }
  }
  const old = pack(random.rows('normal', 64, dimensions), layout);
  const centroids = floats(old.length, { initial: old });
  const steps = words(subspaces, { initial: Uint32Array.from(before) }).setAll(before.map((step) => step + 1));
  before.forEach((step, m) => {
    for (let d = 0; d < layout.subdimensions; d++) centroids.any(wordIndex(layout, step, m * layout.subdimensions + d));
    for (let d = layout.subdimensions; d < subspaceChunks * 4; d++) {
      const chunk = m * subspaceChunks + (d >> 2);
      centroids.set(((step >> 5) * chunks + chunk) * 128 + (step & 31) * 4 + (d & 3), 0);
    }
  });

  const chosenRow = (got: Float32Array, m: number): number => {
    const part = Float32Array.from(
      { length: layout.subdimensions },
      (_, d) => got[wordIndex(layout, before[m], m * layout.subdimensions + d)],
    );
    for (let r = 0; r < rows; r++) if (subvector(points, layout, r, m).every((value, d) => value === part[d])) return r;
    return -1;
  };
  const check = (outputs: Outputs): string | undefined => {
    for (let m = 0; m < subspaces; m++) {
      const row = chosenRow(outputs.centroids as Float32Array, m);
      if (row < 0) return `centroids: the new one of subspace ${m} is no row`;
      const total = exactSums.subarray(m * blocks, (m + 1) * blocks).reduce((sum, value) => sum + value, 0);
      if (before[m] === 0 || total === 0) continue;
      const part = nearest.subarray(m * rows, (m + 1) * rows);
      if (part[row] === 0) return `centroids: row ${row} of subspace ${m} was at distance 0`;
      const prefix = part.subarray(0, row).reduce((sum, value) => sum + value, 0);
      const target = uniform(seed, m, before[m]) * total;
      const slack = 1e-5 * total;
      if (target < prefix - slack || target > prefix + part[row] + slack) {
        return `centroids: row ${row} of subspace ${m} covers ${prefix} to ${prefix + part[row]}, the draw was ${target}`;
      }
    }
    return undefined;
  };
  const sums = Float32Array.from(exactSums);
  const buffers = { points: pack(points, layout, points), nearest, sums, steps, centroids };
  return { buffers, params: { rows, chunks, subspaceChunks, blocks, seed }, grid: [1, subspaces] as const, check };
}

const shapes: Record<string, Shape> = {
  '1 row, first': { rows: 1, dimensions: 3, seed: 1, steps: [0] },
  'first of 3000 x 16': { rows: 3000, dimensions: 16, seed: 2, steps: [0] },
  '129 x 130': { rows: 129, dimensions: 130, seed: 3, steps: [63] },
  '1024 x 7': { rows: 1024, dimensions: 7, seed: 4, steps: [5] },
  'many draws': { rows: 5000, dimensions: 64, seed: 5, steps: Array.from({ length: 64 }, (_, m) => (m % 60) + 1) },
  'few rows away': { rows: 5000, dimensions: 24, seed: 0xffffffff, steps: [1, 2, 3, 4, 5, 6, 7, 8], every: 777 },
  'one row away': { rows: 2049, dimensions: 21, seed: 7, steps: [1, 32, 3], every: 2049 },
  'no row away': { rows: 100, dimensions: 8, seed: 8, steps: [1, 2], every: 0 },
};

export default cases(
  'seed_choose',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => choose(shape) })),
);
