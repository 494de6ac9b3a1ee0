// embed_rows: rows of any kind of weights for tokens, live ones, dead ones and those of another segment.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { SCALINGS, WEIGHT_KINDS, type WeightKind, type WeightScaling } from '../../../src/nn/weights.js';
import { cases, floats, words } from '../../support/cases.js';
import { randomWeights } from '../../support/packed-weights.js';
import { Random } from '../../support/random.js';
import { fromHalf } from '../../support/weight-tiles.js';

interface Shape {
  kind: WeightKind;
  scaling: WeightScaling;
  rows: number;
  columns: number;
  form?: ActivationForm;
  /** First token of the segment. */
  first?: number;
}

/** The block's 32 numbers as its words say. */
function numbersOf(form: ActivationForm, values: Uint32Array, block: number, scale: number): number[] {
  const bytes = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return Array.from({ length: 32 }, (_, i) => {
    const at = block * 32 + i;
    if (form === 'f32') return bytes.getFloat32(at * 4, true);
    return form === 'f16' ? fromHalf(bytes.getUint16(at * 2, true)) : scale * bytes.getInt8(at);
  });
}

function checkNext(
  form: ActivationForm,
  expected: Float64Array,
  outputs: { values: Uint32Array; blocks: Float32Array },
) {
  for (let block = 0; block * 32 < expected.length; block++) {
    const wanted = expected.subarray(block * 32, block * 32 + 32);
    const most = wanted.reduce((largest, number) => Math.max(largest, Math.abs(number)), 0);
    const [scale, sum] = outputs.blocks.subarray(block * 4);
    if (wanted.some(Number.isNaN)) continue;
    const numbers = numbersOf(form, outputs.values, block, scale);
    const limit = form === 'f32' ? 1e-6 * most : form === 'f16' ? most / 1024 : (most / 127) * 0.501;
    const wrong = numbers.findIndex((number, i) => !(Math.abs(number - wanted[i]) <= limit));
    if (wrong >= 0) return `block ${block}, number ${wrong} must be ${wanted[wrong]} ± ${limit}, got ${numbers[wrong]}`;
    const total = form === 'q8' ? numbers.reduce((all, number) => all + number, 0) : 0;
    if (Math.abs(total - sum) > 1e-4 * most || (form !== 'q8' && scale !== 1))
      return `block ${block} must have the sum ${total}, got ${sum} and the scale ${scale}`;
  }
  return undefined;
}

function embed({ kind, scaling, rows, columns, form, first = 0 }: Shape) {
  const vocabulary = first + rows + 40;
  const random = new Random(columns + rows);
  const { quants, scales, values: numbers } = randomWeights(columns, { kind, scaling, rows, columns });
  // Of this segment, dead, of none at all, and of the segments before and after.
  const tokens = [first, first + rows - 1, first + 3, vocabulary + 2, first - 1, first + rows, first + 1];
  const steps = Uint32Array.from(tokens.flatMap((token, row) => [token, 9, 8, row === 2 ? 0 : 1]));
  const norm = random.rows('normal', 1, columns);
  const blocks = Math.ceil(columns / 32);
  const scale = 1.5;
  const hidden = floats(tokens.length * blocks * 32, { nmse: 1e-12 });
  const about = floats(tokens.length * blocks * 4);
  const wordsOfBlock = form === undefined ? 0 : { f32: 32, f16: 16, q8: 8 }[form];
  const values = words(Math.max(4, tokens.length * blocks * wordsOfBlock));
  const expected = new Float64Array(hidden.length).fill(Number.NaN);
  tokens.forEach((token, row) => {
    const found = row !== 2 && token >= 0 && token < vocabulary;
    if (found ? token < first || token >= first + rows : first !== 0) return;
    for (let i = 0; i < blocks * 32; i++) {
      const number = found && i < columns ? scale * numbers[(token - first) * columns + i] : 0;
      hidden.set(row * blocks * 32 + i, number);
      expected[row * blocks * 32 + i] = i < columns ? number * norm[i] : 0;
    }
    if (form === undefined) return;
    for (let b = row * blocks; b < (row + 1) * blocks; b++) {
      const squares = hidden.values.subarray(b * 32, b * 32 + 32).reduce((sum, number) => sum + number * number, 0);
      for (const part of [0, 1]) about.any(b * 4 + part);
      about.set(b * 4 + 2, squares);
      about.set(b * 4 + 3, 0);
      for (let w = b * wordsOfBlock; w < (b + 1) * wordsOfBlock; w++) values.written(w);
    }
  });
  return {
    buffers: {
      steps,
      quants,
      scales: scaling === 'none' ? new Uint32Array(2) : scales,
      norm,
      hidden,
      values,
      blocks: about,
    },
    params: { columns, first, last: first + rows, vocabulary, scale },
    constants: {
      kind: WEIGHT_KINDS.indexOf(kind),
      scaling: SCALINGS.indexOf(scaling),
      withNext: form === undefined ? 0 : 1,
      form: form === undefined ? 0 : FORMS.indexOf(form),
    },
    grid: [Math.ceil(blocks / 8), tokens.length] as const,
    check: (outputs: Record<string, Uint32Array | Float32Array>) =>
      form === undefined
        ? undefined
        : checkNext(form, expected, outputs as { values: Uint32Array; blocks: Float32Array }),
  };
}

const shapes: Shape[] = [
  { kind: 'f32', scaling: 'none', rows: 40, columns: 172, form: 'f32' },
  { kind: 'f16', scaling: 'none', rows: 33, columns: 64, form: 'f16' },
  { kind: 'bf16', scaling: 'none', rows: 64, columns: 288, form: 'q8' },
  { kind: 'int8', scaling: 'symmetric', rows: 64, columns: 160, form: 'q8' },
  { kind: 'int8', scaling: 'affine', rows: 40, columns: 96, form: 'f32', first: 64 },
  { kind: 'int8', scaling: 'super32', rows: 32, columns: 512, form: 'f16' },
  { kind: 'int8', scaling: 'super16', rows: 32, columns: 256, form: 'q8', first: 32 },
  { kind: 'int4', scaling: 'symmetric', rows: 35, columns: 576, form: 'q8' },
  { kind: 'int4', scaling: 'affine', rows: 64, columns: 32 },
  { kind: 'int4', scaling: 'super32', rows: 64, columns: 256, form: 'f32' },
];

export default cases(
  'embed_rows',
  shapes.map((shape) => ({
    name: `${shape.kind} ${shape.scaling}: ${shape.rows} x ${shape.columns}, ${shape.form ?? 'hidden only'}, from ${shape.first ?? 0}`,
    make: () => embed(shape),
  })),
);
