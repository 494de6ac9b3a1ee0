// rope_rows: every style with and without norms, partial rotation, head sizes, padding rows, halves and floats.
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { PagedCache, randomTable, rotate, writtenHalves, wrongHalves } from '../../support/paged-attention.js';
import { Random } from '../../support/random.js';

interface Shape {
  readonly rows: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly style: 0 | 1 | 2;
  readonly dims?: number;
  readonly normed?: boolean;
  readonly half?: boolean;
}

const EPSILON = 1e-6;

const halvesIn = (array: Float32Array | Uint32Array) =>
  new Uint16Array(array.buffer, array.byteOffset, array.length * 2);

function make({ rows, heads, kvHeads, headSize, style, dims = headSize, normed = false, half = false }: Shape) {
  const random = new Random(rows * 131 + headSize + style);
  const [kOffset, vOffset] = [heads * headSize + 32, (heads + kvHeads) * headSize + 32];
  const stride = vOffset + kvHeads * headSize + 5;
  const cache = new PagedCache({ slots: 2, pageStride: 3, kvHeads, headSize }, random);
  const projected = random.rows('normal', rows, stride);
  const norms = [random.rows('uniform', 1, headSize), random.rows('uniform', 1, headSize)];
  const rotation = { style, dims, table: randomTable(random, 96, dims), epsilon: EPSILON };
  const steps = new Uint32Array(rows * 4);
  const queries = half ? words((rows * heads * headSize) / 2) : floats(rows * heads * headSize);
  const written: { at: number; key: number[]; value: number[] }[] = [];
  const halves: { at: number; numbers: number[] }[] = [];
  for (let row = 0; row < rows; row++) {
    const [slot, position, live] = [row % 2, (row * 7) % 96, row % 5 === 3 ? 0 : 1];
    steps.set([9, position, slot, live], row * 4);
    if (live === 0) continue;
    const head = (offset: number, i: number) => {
      const from = row * stride + offset + i * headSize;
      return projected.subarray(from, from + headSize);
    };
    for (let i = 0; i < heads; i++) {
      const query = rotate(head(0, i), position, rotation, normed ? norms[0] : undefined);
      const at = (row * heads + i) * headSize;
      if (half) halves.push({ at, numbers: query });
      for (let d = 0; d < headSize; d++) half ? queries.written((at + d) >> 1) : queries.set(at + d, query[d]);
    }
    for (let i = 0; i < kvHeads; i++) {
      const key = rotate(head(kOffset, i), position, rotation, normed ? norms[1] : undefined);
      written.push({ at: cache.at(slot, position, i), key, value: Array.from(head(vOffset, i)) });
    }
  }
  const at = written.map((one) => one.at);
  const check = (outputs: Outputs) => {
    for (const { at, key, value } of written) {
      const wrong = wrongHalves(halvesIn(outputs.keys), at, key) ?? wrongHalves(halvesIn(outputs.values), at, value);
      if (wrong) return wrong;
    }
    return halves.map(({ at, numbers }) => wrongHalves(halvesIn(outputs.queries), at, numbers)).find(Boolean);
  };
  let lanes = 1;
  while (lanes < headSize / 8) lanes *= 2;
  return {
    buffers: {
      projected,
      queryNorm: norms[0],
      keyNorm: norms[1],
      rope: rotation.table,
      pages: cache.pages,
      steps,
      queries,
      keys: writtenHalves(cache.keys, at, headSize),
      values: writtenHalves(cache.values, at, headSize),
    },
    params: { heads, kvHeads, stride, kOffset, vOffset, ropeDims: dims, pageStride: 3, epsilon: EPSILON },
    constants: { headSize, ropeStyle: style, normed: normed ? 1 : 0, halfQueries: half ? 1 : 0 },
    grid: [Math.ceil((heads + 2 * kvHeads) / (256 / lanes)), rows] as const,
    check,
  };
}

const shapes: Shape[] = [
  { rows: 1, heads: 1, kvHeads: 1, headSize: 8, style: 1 },
  { rows: 9, heads: 8, kvHeads: 4, headSize: 8, style: 1, half: true },
  { rows: 5, heads: 9, kvHeads: 3, headSize: 64, style: 2 },
  { rows: 4, heads: 4, kvHeads: 4, headSize: 80, style: 2, dims: 32, normed: true },
  { rows: 6, heads: 3, kvHeads: 1, headSize: 96, style: 1, dims: 48, half: true },
  { rows: 3, heads: 6, kvHeads: 2, headSize: 128, style: 2, normed: true, half: true },
  { rows: 2, heads: 2, kvHeads: 1, headSize: 256, style: 2, normed: true },
  { rows: 2, heads: 5, kvHeads: 5, headSize: 24, style: 0 },
];

export default cases(
  'rope_rows',
  shapes.map((shape) => {
    const { rows, heads, kvHeads, headSize, style, dims = headSize, normed = false, half = false } = shape;
    const form = `${normed ? ', normed' : ''}${half ? ', halves' : ''}`;
    return {
      name: `${rows} rows, ${heads}/${kvHeads} heads of ${headSize}, style ${style}, ${dims} turned${form}`,
      make: () => make(shape),
    };
  }),
);
