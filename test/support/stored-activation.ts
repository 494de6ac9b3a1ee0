// What kernels write as an activation (src/nn/activation.ts), judged against numbers in float64.
import { type ActivationForm, FORMS } from '../../src/nn/activation.js';
import { floats, type Output, type Outputs, words } from './cases.js';
import { blocksOf, fromHalf } from './weight-tiles.js';

export interface StoredNumbers {
  readonly form: ActivationForm;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns]; blocks are padded with zeros. */
  readonly numbers: ArrayLike<number>;
  /** What the squares are summed of; the numbers by default. */
  readonly before?: ArrayLike<number>;
  /** Names of the buffers. */
  readonly names?: { readonly values: string; readonly blocks: string };
}

const WORDS: Readonly<Record<ActivationForm, number>> = { f32: 32, f16: 16, q8: 8 };
const NAMES = { values: 'values', blocks: 'blocks' };

/** A block's 32 numbers as they were stored, without their scale. */
function unpack(form: ActivationForm, block: Uint32Array): number[] {
  const bytes = new DataView(block.buffer, block.byteOffset, block.byteLength);
  return Array.from({ length: 32 }, (_, i) => {
    if (form === 'q8') return bytes.getInt8(i);
    return form === 'f16' ? fromHalf(bytes.getUint16(i * 2, true)) : bytes.getFloat32(i * 4, true);
  });
}

const near = (got: number, wanted: number, most: number) => Math.abs(got - wanted) <= most;

interface Wanted {
  readonly numbers: number[];
  readonly before: number[];
  /** Relative to the block's largest number. */
  readonly tolerance: number;
}

function judgeBlock(form: ActivationForm, got: number[], about: Float32Array, wanted: Wanted) {
  const { numbers, before, tolerance } = wanted;
  const most = Math.max(...numbers.map(Math.abs));
  const [scale, sum, squares, rest] = about;
  const wantedScale = form === 'q8' ? most / 127 : 1;
  if (!near(scale, wantedScale, wantedScale * Math.max(1e-5, form === 'q8' ? tolerance : 0)))
    return `scale must be ${wantedScale}, got ${scale}`;
  const wantedSum = form === 'q8' ? scale * got.reduce((a, b) => a + b, 0) : 0;
  if (!near(sum, wantedSum, scale * 1e-2)) return `scaled sum must be ${wantedSum}, got ${sum}`;
  const wantedSquares = before.reduce((a, b) => a + b * b, 0);
  if (!near(squares, wantedSquares, wantedSquares * Math.max(1e-4, 2 * tolerance)))
    return `squares must be ${wantedSquares}, got ${squares}`;
  if (rest !== 0) return `the fourth must be 0, got ${rest}`;
  for (const [i, number] of numbers.entries()) {
    const rounding = form === 'q8' ? 0.501 * scale : form === 'f16' ? Math.abs(number) * 2 ** -10.9 + 2 ** -25 : 0;
    if (!near(got[i] * scale, number, rounding + most * tolerance))
      return `[${i}] must be ${number}, got ${got[i] * scale}`;
  }
  return undefined;
}

/** Written buffers, and the check of what is in them. */
export function storedActivation(stored: StoredNumbers): {
  constants: { form: number };
  buffers: { values: Output; blocks: Output };
  check: (outputs: Outputs, isLoose?: boolean) => string | undefined;
} {
  const { form, rows, columns, numbers, before = numbers, names = NAMES } = stored;
  const count = blocksOf(columns);
  const values = words(rows * count * WORDS[form]);
  const blocks = floats(rows * count * 4);
  for (const output of [values, blocks]) for (let i = 0; i < output.length; i++) output.written(i);
  const part = (from: ArrayLike<number>, row: number, block: number) =>
    Array.from({ length: 32 }, (_, i) => (block * 32 + i < columns ? from[row * columns + block * 32 + i] : 0));
  const check = (outputs: Outputs, isLoose = false) => {
    // On matrix units: eight roundings to halves, two factors of scores and two of results, and what e^x makes of the first.
    const tolerance = isLoose ? 8 * 2 ** -11 : 2e-5;
    for (let at = 0; at < rows * count; at++) {
      const [row, block] = [Math.floor(at / count), at % count];
      const wordsOf = (outputs[names.values] as Uint32Array).subarray(at * WORDS[form], (at + 1) * WORDS[form]);
      const about = (outputs[names.blocks] as Float32Array).subarray(at * 4, at * 4 + 4);
      const wanted = { numbers: part(numbers, row, block), before: part(before, row, block), tolerance };
      const wrong = judgeBlock(form, unpack(form, wordsOf), about, wanted);
      if (wrong !== undefined) return `row ${row}, block ${block}: ${wrong}`;
    }
    return undefined;
  };
  return { constants: { form: FORMS.indexOf(form) }, buffers: { values, blocks }, check };
}
