// scan_key_codes: the greatest scores of each part of the keys, in order of position.
import { cases, type Outputs, words } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { orderedKey, topPositions } from '../../support/top-positions.js';

interface Shape {
  heads: number;
  keys: number;
  dimensions: number;
  subspaces: number;
  bits: number;
  part: number;
  heavy: number;
  sink: number;
  window: number;
  queryRows?: number;
  headsPerKv?: number;
  firstKv?: number;
  kind?: DataKind;
}

function scan(shape: Shape) {
  const { heads, keys, dimensions, subspaces, bits, part, heavy, sink, window } = shape;
  const { queryRows = 1, headsPerKv = 1, firstKv = 0, kind = 'integer' } = shape;
  const random = new Random(keys + heavy + bits);
  const codewords = 2 ** bits;
  const { chunks: ownChunks, subspaceChunks, subdimensions } = layoutOf(dimensions, subspaces);
  const layout = layoutOf(heads * dimensions, heads * subspaces);
  const listHeads = (firstKv + heads) * headsPerKv;
  const queries = random.rows(kind, listHeads * queryRows, dimensions);
  const codebooks = random.rows(kind, codewords, heads * dimensions);
  const wordCount = Math.ceil(keys / 4) + 3;
  const codes = new Uint32Array(heads * subspaces * wordCount);
  const codeBytes = new Uint8Array(codes.buffer);
  for (let i = 0; i < codeBytes.length; i++) codeBytes[i] = random.below(codewords);
  const parts = Math.ceil(Math.max(0, keys - sink - window) / part) + 1;
  const stride = parts * Math.min(heavy, part) + 3;
  const [scores, positions] = [words(listHeads * stride), words(listHeads * stride)];
  const expected = new Map<number, number>();
  for (let local = 0; local < heads * headsPerKv; local++) {
    const head = firstKv * headsPerKv + local;
    const kv = Math.floor(local / headsPerKv);
    const score = (key: number) => {
      let sum = 0;
      for (let d = 0; d < dimensions; d++) {
        const m = Math.floor(d / subdimensions);
        const code = codeBytes[(kv * subspaces + m) * wordCount * 4 + key];
        for (let row = 0; row < queryRows; row++)
          sum += queries[(head * queryRows + row) * dimensions + d] * codebooks[(code * heads + kv) * dimensions + d];
      }
      return sum;
    };
    for (let first = sink, p = 0; first < keys - window; first += part, p++) {
      const values = Array.from({ length: Math.min(part, keys - window - first) }, (_, i) => score(first + i));
      for (const [i, at] of topPositions(values, heavy).entries()) {
        const place = head * stride + p * Math.min(heavy, part) + i;
        expected.set(place, values[at]);
        scores.written(place);
        if (kind === 'integer') positions.set(place, first + at);
        else positions.written(place);
      }
    }
  }
  return {
    buffers: {
      queries,
      codebooks: pack(codebooks, layout, queries),
      codes,
      state: Uint32Array.of(keys),
      scores,
      positions,
    },
    params: {
      dimensions,
      subdimensions,
      chunks: ownChunks * heads,
      subspaceChunks,
      codewords,
      words: wordCount,
      part,
      heavy,
      sink,
      window,
      queryRows,
      headsPerKv,
      firstKv,
      stride,
    },
    grid: [parts, heads * headsPerKv] as const,
    // Integers are exact, so their ties are; of rounded scores the sorted values of a part are compared.
    check:
      expected.size === 0
        ? undefined
        : (outputs: Outputs) => sameScores(outputs.scores, expected, kind === 'integer' ? 0 : 1e-4),
  };
}

function sameScores(got: ArrayLike<number>, expected: Map<number, number>, tolerance: number): string | undefined {
  const float = (key: number) => orderedKey.inverse(key);
  const all = [...expected].sort((a, b) => a[0] - b[0]);
  const right = all.map(([, value]) => value).sort((a, b) => a - b);
  const found = all.map(([place]) => float(got[place])).sort((a, b) => a - b);
  const wrong = right.findIndex((value, i) => !(Math.abs(value - found[i]) <= tolerance * (1 + Math.abs(value))));
  return wrong < 0 ? undefined : `score ${wrong} of ${right.length} must be ${right[wrong]}, got ${found[wrong]}`;
}

const base: Shape = {
  heads: 2,
  keys: 3000,
  dimensions: 32,
  subspaces: 2,
  bits: 6,
  part: 1024,
  heavy: 50,
  sink: 8,
  window: 9,
};

const shapes: Record<string, Shape> = {
  'parts of 1024': base,
  'parts of 2048, one of them short': { ...base, part: 2048, heavy: 128 },
  'more wanted than a part has': { ...base, part: 64, heavy: 100 },
  'nothing at the ends': { ...base, sink: 0, window: 0, keys: 1500, heavy: 1 },
  '3 subspaces of 5, 4 bits': { ...base, dimensions: 15, subspaces: 3, bits: 4, sink: 4 },
  '16 subspaces, 8 bits': { ...base, subspaces: 16, bits: 8, keys: 1000 },
  'heads of a group, summed queries': { ...base, headsPerKv: 3, queryRows: 2 },
  'the second segment': { ...base, firstKv: 2, headsPerKv: 2 },
  'normal numbers': { ...base, kind: 'normal', heads: 3, dimensions: 128 },
  'no eligible keys': { ...base, keys: 17 },
};

export default cases(
  'scan_key_codes',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => scan(shape) })),
);
