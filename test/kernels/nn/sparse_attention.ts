// sparse_attention: softmax attention over listed positions.
import { type AttentionSides, attend } from '../../support/attention.js';
import { cases, floats } from '../../support/cases.js';
import { Random } from '../../support/random.js';

type Shape = Omit<AttentionSides, 'scale'> & { length: number; listHeads: number; weighted?: number; factor?: number };

function attention({ weighted = 0, factor = 1, ...sides }: Shape) {
  const { queryHeads, kvHeads, listHeads, queryCount, keyCount, dimensions, valueDimensions, length } = sides;
  const random = new Random(keyCount + length + dimensions);
  const queries = random.rows('normal', queryHeads * queryCount, dimensions).map((x) => x * factor);
  const keys = random.rows('normal', kvHeads * keyCount, dimensions);
  const values = random.rows('normal', kvHeads * keyCount, valueDimensions);
  const list = new Uint32Array(listHeads * length);
  for (let head = 0; head < listHeads; head++)
    list.set(random.permutation(keyCount).subarray(0, length), head * length);
  // The last head may look at nothing.
  const weights = Float32Array.from({ length: listHeads * keyCount }, (_, i) =>
    i >= (listHeads - 1) * keyCount || random.below(4) === 0 ? 0 : random.uniform(),
  );
  const scale = 1 / Math.sqrt(dimensions);
  const attended = floats(queryHeads * queryCount * valueDimensions);
  const inputs = { queries, keys, values, list, ...(weighted ? { weights } : {}) };
  attend(inputs, { ...sides, scale }, (place, value) => attended.set(place, value));
  return {
    buffers: { queries, keys, values, list, weights, attended },
    params: {
      queryCount,
      keyCount,
      dimensions,
      valueDimensions,
      length,
      headsPerKv: queryHeads / kvHeads,
      headsPerList: queryHeads / listHeads,
      scale,
    },
    constants: { weighted },
    grid: [queryCount, queryHeads] as const,
  };
}

const base: Shape = {
  queryHeads: 4,
  kvHeads: 4,
  listHeads: 4,
  queryCount: 1,
  keyCount: 300,
  dimensions: 64,
  valueDimensions: 64,
  length: 130,
};

const shapes: Record<string, Shape> = {
  'a head each': base,
  'groups, several queries': { ...base, kvHeads: 2, queryCount: 3, dimensions: 33, valueDimensions: 40 },
  'a list for each group, weights': { ...base, kvHeads: 2, listHeads: 2, weighted: 1 },
  'long values': { ...base, valueDimensions: 600, dimensions: 128, length: 64 },
  'large logits': { ...base, factor: 100 },
  'one position': { ...base, length: 1, valueDimensions: 1, dimensions: 1 },
};

export default cases(
  'sparse_attention',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => attention(shape) })),
);
