// encode_keys: the nearest codeword of each new key's sub-vectors, beside the codes that are there.
import { cases, type Outputs, words } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';

interface Shape {
  heads: number;
  dimensions: number;
  subspaces: number;
  bits: number;
  /** New keys, and keys with them. */
  count: number;
  total: number;
  augmented?: number;
  firstKv?: number;
  grid?: number;
}

function encode({ heads, dimensions, subspaces, bits, count, total, augmented = 0, firstKv = 0, grid }: Shape) {
  const random = new Random(dimensions + bits + total);
  const own = layoutOf(dimensions, subspaces);
  const { subdimensions } = own;
  const width = subdimensions + augmented;
  const layout = layoutOf(heads * subspaces * width, heads * subspaces);
  const keys = random.rows('normal', (firstKv + heads) * count, dimensions);
  const codewords = random.rows('normal', 2 ** bits, layout.dimensions);
  const limits = Float32Array.from({ length: heads * subspaces }, () => subdimensions * (0.5 + random.uniform()));
  const wordCount = Math.ceil(total / 4) + 2;
  const initial = random.words(heads * subspaces * wordCount, 2 ** 32);
  const before = new Uint8Array(initial.buffer);
  const codes = words(initial.length, { initial });
  const first = total - count;
  for (let p = 0; p < heads * subspaces; p++)
    for (let word = first >> 2; word * 4 < total; word++) codes.any(p * wordCount + word);

  const distance = (p: number, key: number, code: number) => {
    let sum = 0;
    let norm = 0;
    for (let j = 0; j < subdimensions; j++) {
      const x =
        keys[((firstKv + Math.floor(p / subspaces)) * count + key) * dimensions + (p % subspaces) * subdimensions + j];
      norm += x * x;
      sum += (x - codewords[code * layout.dimensions + p * width + j]) ** 2;
    }
    if (augmented === 0) return sum;
    return (
      sum +
      (Math.sqrt(Math.max(0, limits[p] - norm)) - codewords[code * layout.dimensions + p * width + width - 1]) ** 2
    );
  };
  const check = (outputs: Outputs) => {
    const got = new Uint8Array(Uint32Array.from(outputs.codes).buffer);
    for (let p = 0; p < heads * subspaces; p++)
      for (let at = (first >> 2) * 4; at < Math.ceil(total / 4) * 4; at++) {
        const i = p * wordCount * 4 + at;
        if (at < first || at >= total) {
          if (got[i] !== before[i]) return `byte ${at} of ${p} must stay ${before[i]}, got ${got[i]}`;
          continue;
        }
        const distances = Array.from({ length: 2 ** bits }, (_, code) => distance(p, at - first, code));
        const least = Math.min(...distances);
        if (!(distances[got[i]] <= least + 1e-4 * (1 + least)))
          return `key ${at} of ${p} must have distance ${least}, got code ${got[i]} with ${distances[got[i]]}`;
      }
    return undefined;
  };
  return {
    buffers: { keys, codebooks: pack(codewords, layout), limits, state: Uint32Array.of(total), codes },
    params: {
      dimensions,
      subdimensions,
      chunks: layout.chunks,
      subspaceChunks: layout.subspaceChunks,
      bits,
      words: wordCount,
      count,
      firstKv,
    },
    constants: { augmented },
    grid: [grid ?? Math.ceil((count + 3) / 4), heads * subspaces] as const,
    check,
  };
}

const base: Shape = { heads: 2, dimensions: 32, subspaces: 2, bits: 6, count: 1, total: 102 };

const shapes: Record<string, Shape> = {
  'one key': base,
  'keys of two words': { ...base, count: 6, total: 107 },
  'all keys, few workgroups': { ...base, count: 203, total: 203, grid: 5 },
  '4 bits, 3 subspaces of 5': { ...base, bits: 4, dimensions: 15, subspaces: 3, count: 9 },
  '5 bits': { ...base, bits: 5, count: 7 },
  '7 bits': { ...base, bits: 7, count: 7 },
  '8 bits, augmented': { ...base, bits: 8, count: 7, augmented: 1 },
  '6 bits, augmented 3 + 1, second segment': { ...base, dimensions: 6, count: 5, augmented: 1, firstKv: 3 },
};

export default cases(
  'encode_keys',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => encode(shape) })),
);
