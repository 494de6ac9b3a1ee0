// attend_chunk: rows of one sequence from any position on: windows, groups, tiles that are not full, padding rows.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { cases } from '../../support/cases.js';
import { asWords, attend, halvesOf, PagedCache } from '../../support/paged-attention.js';
import { Random } from '../../support/random.js';
import { storedHeads } from '../../support/stored-heads.js';

interface Shape {
  readonly rows: number;
  /** Position of the first. */
  readonly first: number;
  /** Rows at the end that are not live. */
  readonly padding?: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly headSize: number;
  readonly form: ActivationForm;
  readonly window?: number;
  readonly half?: boolean;
  slowToCompile?: boolean;
  readonly factor?: number;
}

const SLOT = 1;

function make({
  rows,
  first,
  padding = 0,
  kvHeads,
  group,
  headSize,
  form,
  window = 0,
  half = false,
  factor = 1,
}: Shape) {
  const random = new Random(rows * 131 + headSize + first);
  const [heads, live] = [kvHeads * group, rows - padding];
  const pageStride = Math.ceil((first + live) / 32);
  const cache = new PagedCache({ slots: 2, pageStride, kvHeads, headSize }, random);
  cache.fill(SLOT, first + live);
  const plain = random.rows('normal', rows, heads * headSize).map((value) => factor * value);
  const halves = halvesOf(plain);
  const queries = half ? halves.numbers : plain;
  const steps = new Uint32Array(rows * 4);
  const scale = 1 / Math.sqrt(headSize);
  const numbers = new Float64Array(rows * heads * headSize);
  for (let row = 0; row < rows; row++) {
    if (row >= live) continue;
    const position = first + row;
    steps.set([5, position, SLOT, 1], row * 4);
    for (let h = 0; h < heads; h++) {
      const at = (row * heads + h) * headSize;
      const query = queries.subarray(at, at + headSize);
      const kvHead = Math.floor(h / group);
      numbers.set(attend(cache, { query, slot: SLOT, position, kvHead, window, scale }), at);
    }
  }
  const stored = storedHeads({ form, rows, columns: heads * headSize, numbers, squares: headSize % 32 === 0 });
  return {
    buffers: {
      queries: half ? halves.words : plain,
      keys: asWords(cache.keys),
      values: asWords(cache.values),
      pages: cache.pages,
      steps,
      ...stored.buffers,
    },
    params: { rows, heads, kvHeads, pageStride, window, scale },
    constants: { headSize, halfQueries: half ? 1 : 0, form: FORMS.indexOf(form) },
    grid: [Math.ceil(rows / 64), heads] as const,
    check: stored.check,
  };
}

const shapes: Shape[] = [
  { rows: 1, first: 0, kvHeads: 1, group: 1, headSize: 8, form: 'f32' },
  { rows: 20, first: 3, padding: 4, kvHeads: 3, group: 1, headSize: 24, form: 'f16' },
  { rows: 70, first: 0, kvHeads: 1, group: 2, headSize: 64, form: 'q8', half: true },
  { rows: 65, first: 61, kvHeads: 1, group: 1, headSize: 128, form: 'f16', half: true, factor: 6 },
  { rows: 33, first: 100, padding: 2, kvHeads: 1, group: 3, headSize: 80, form: 'f32', window: 40 },
  { rows: 130, first: 30, padding: 70, kvHeads: 1, group: 1, headSize: 96, form: 'q8', window: 20, half: true },
  { rows: 10, first: 64, kvHeads: 1, group: 1, headSize: 256, form: 'q8' },
  {
    rows: 100,
    first: 37,
    padding: 3,
    kvHeads: 1,
    group: 2,
    headSize: 144,
    form: 'f16',
    window: 45,
    half: true,
    slowToCompile: true,
  },
  { rows: 55, first: 70, padding: 30, kvHeads: 2, group: 1, headSize: 256, form: 'f32', slowToCompile: true },
];

export default cases(
  'attend_chunk',
  shapes.map((shape) => {
    const { rows, first, padding = 0, kvHeads, group, headSize, form, window = 0, half = false } = shape;
    const { slowToCompile = false } = shape;
    const more = `${padding ? `, ${padding} of them padding` : ''}${window ? `, window ${window}` : ''}${half ? ', halves' : ''}`;
    return {
      name: `${rows} rows from ${first} on, ${kvHeads * group}/${kvHeads} heads of ${headSize} into ${form}${more}`,
      make: () => make(shape),
      plainOnly: headSize % 16 !== 0,
      slowToCompile,
    };
  }),
);
