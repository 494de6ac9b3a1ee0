// attend_rows: one token of each row over its sequence: groups, windows, splits, lengths at the edges of pages, padding rows.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import {
  asWords,
  attend,
  PagedCache,
  randomTable,
  rotate,
  writtenHalves,
  wrongHalves,
} from '../../support/paged-attention.js';
import { Random } from '../../support/random.js';
import { storedHeads } from '../../support/stored-heads.js';

interface Shape {
  slowToCompile?: boolean;
  /** Positions of the rows, -1 for a padding row. */
  readonly positions: readonly number[];
  readonly kvHeads: number;
  readonly group: number;
  readonly headSize: number;
  readonly form: ActivationForm;
  readonly splits?: number;
  readonly window?: number;
  readonly style?: 0 | 1 | 2;
  readonly dims?: number;
  readonly normed?: boolean;
  readonly fused?: boolean;
  /** Of queries: large ones make softmax sharp. */
  readonly factor?: number;
}

const EPSILON = 1e-6;
const halvesIn = (array: Float32Array | Uint32Array) =>
  new Uint16Array(array.buffer, array.byteOffset, array.length * 2);

function make(shape: Shape) {
  const { positions, kvHeads, group, headSize, form, splits = 1, window = 0, style = 2, dims = headSize } = shape;
  const { normed = false, fused = true, factor = 1 } = shape;
  const random = new Random(positions.length * 131 + headSize + splits);
  const [rows, heads] = [positions.length, kvHeads * group];
  const longest = Math.max(...positions) + 1;
  const [kOffset, vOffset] = [heads * headSize, (heads + kvHeads) * headSize];
  const stride = fused ? vOffset + kvHeads * headSize + 3 : heads * headSize;
  const pageStride = Math.ceil(longest / 32) + 1;
  const cache = new PagedCache({ slots: rows, pageStride, kvHeads, headSize }, random);
  const rotation = { style, dims, table: randomTable(random, longest, dims), epsilon: EPSILON };
  const projected = random.rows('normal', rows, stride).map((value, i) => (i % stride < kOffset ? factor : 1) * value);
  const norms = [random.rows('normal', 1, headSize), random.rows('normal', 1, headSize)];
  const steps = new Uint32Array(rows * 4);
  const scale = 0.7 / Math.sqrt(headSize);
  const written: { at: number; key: number[]; value: number[] }[] = [];
  const numbers = new Float64Array(rows * heads * headSize);
  const initial = () => [cache.keys.slice(), cache.values.slice()];
  // Slots are other numbers than rows.
  const slotOf = (row: number) => rows - 1 - row;
  for (const [row, position] of positions.entries()) {
    steps.set([3, Math.max(position, 0), slotOf(row), position < 0 ? 0 : 1], row * 4);
    cache.fill(slotOf(row), fused ? Math.max(position, 0) : position + 1);
  }
  const [keysBefore, valuesBefore] = initial();
  for (const [row, position] of positions.entries()) {
    if (position < 0) continue;
    const head = (from: number) => projected.subarray(row * stride + from, row * stride + from + headSize);
    for (let kv = 0; kv < kvHeads; kv++) {
      if (fused) {
        const at = cache.at(slotOf(row), position, kv);
        const key = rotate(head(kOffset + kv * headSize), position, rotation, normed ? norms[1] : undefined);
        const value = Array.from(head(vOffset + kv * headSize));
        written.push({ at, key, value });
        cache.write(cache.keys, at, key);
        cache.write(cache.values, at, value);
      }
      for (let h = kv * group; h < (kv + 1) * group; h++) {
        const plain = head(h * headSize);
        const query = fused ? rotate(plain, position, rotation, normed ? norms[0] : undefined) : plain;
        numbers.set(
          attend(cache, { query, slot: slotOf(row), position, kvHead: kv, window, scale }),
          (row * heads + h) * headSize,
        );
      }
    }
  }
  const at = written.map((one) => one.at);
  const stored = storedHeads({
    form,
    rows,
    columns: heads * headSize,
    numbers,
    squares: (group * headSize) % 32 === 0,
  });
  const partials = floats(rows * kvHeads * splits * (group * headSize + 4 * Math.ceil(group / 2)));
  for (let i = 0; i < partials.length; i++) partials.any(i);
  const counters = words(rows * kvHeads, { initial: new Uint32Array(rows * kvHeads) });
  const check = (outputs: Outputs) => {
    for (const { at, key, value } of written) {
      const wrong = wrongHalves(halvesIn(outputs.keys), at, key) ?? wrongHalves(halvesIn(outputs.values), at, value);
      if (wrong) return wrong;
    }
    return stored.check(outputs);
  };
  return {
    buffers: {
      projected,
      queryNorm: norms[0],
      keyNorm: norms[1],
      rope: rotation.table,
      pages: cache.pages,
      steps,
      keys: fused
        ? writtenHalves(keysBefore, at, headSize)
        : words(keysBefore.length / 2, { initial: asWords(keysBefore) }),
      values: fused
        ? writtenHalves(valuesBefore, at, headSize)
        : words(valuesBefore.length / 2, { initial: asWords(valuesBefore) }),
      partials,
      counters: counters.setAll(new Uint32Array(rows * kvHeads)),
      ...stored.buffers,
    },
    params: { stride, kOffset, vOffset, ropeDims: dims, pageStride, window, epsilon: EPSILON, scale },
    constants: {
      headSize,
      group,
      ropeStyle: style,
      normed: normed ? 1 : 0,
      fused: fused ? 1 : 0,
      form: FORMS.indexOf(form),
    },
    grid: [kvHeads, splits, rows] as const,
    check,
  };
}

const shapes: Shape[] = [
  { positions: [0], kvHeads: 1, group: 1, headSize: 8, form: 'f32' },
  { positions: [37, 5, -1], kvHeads: 3, group: 2, headSize: 8, form: 'f16', style: 1, splits: 2 },
  { positions: [31, 32, 33, 63], kvHeads: 2, group: 3, headSize: 64, form: 'q8', splits: 3 },
  {
    positions: [200],
    kvHeads: 2,
    group: 1,
    headSize: 128,
    form: 'q8',
    splits: 8,
    normed: true,
    factor: 6,
    slowToCompile: true,
  },
  { positions: [150], kvHeads: 1, group: 4, headSize: 128, form: 'f32', window: 70, splits: 2, slowToCompile: true },
  { positions: [90, 12], kvHeads: 2, group: 7, headSize: 80, form: 'f16', dims: 40, splits: 2 },
  { positions: [65], kvHeads: 1, group: 16, headSize: 64, form: 'q8', splits: 3, fused: false, slowToCompile: true },
  { positions: [45, -1, 70], kvHeads: 1, group: 5, headSize: 96, form: 'f16', fused: false, window: 33 },
  {
    positions: [40],
    kvHeads: 1,
    group: 2,
    headSize: 256,
    form: 'q8',
    normed: true,
    style: 1,
    splits: 2,
    slowToCompile: true,
  },
  { positions: [3], kvHeads: 5, group: 1, headSize: 24, form: 'f32', style: 0, splits: 4, window: 1 },
  {
    positions: [700, 255, 256, 389],
    kvHeads: 1,
    group: 9,
    headSize: 32,
    form: 'q8',
    splits: 5,
    factor: 3,
    slowToCompile: true,
  },
  { positions: [513], kvHeads: 2, group: 4, headSize: 64, form: 'q8', splits: 32, normed: true, slowToCompile: true },
  { positions: [600], kvHeads: 1, group: 12, headSize: 64, form: 'f16', splits: 3, window: 580, slowToCompile: true },
];

/** A long context of a small head. */
const long: Shape = {
  positions: [32_001],
  kvHeads: 1,
  group: 2,
  headSize: 16,
  form: 'f32',
  splits: 16,
  slowToCompile: true,
};

export default cases(
  'attend_rows',
  [...shapes, long].map((shape) => {
    const { positions, kvHeads, group, headSize, form, splits = 1, window = 0, fused = true } = shape;
    const more = `${window ? `, window ${window}` : ''}${fused ? '' : ', rotated before'}`;
    return {
      name: `positions ${positions}, ${kvHeads * group}/${kvHeads} heads of ${headSize} into ${form}, ${splits} splits${more}`,
      make: () => make(shape),
      ...(shape.slowToCompile && { slowToCompile: true }),
    };
  }),
);
