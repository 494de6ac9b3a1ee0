// project_rows: a few rows of activations times weights of every kind, with its epilogues.
import { type ActivationForm, FORMS } from '../../../src/nn/activation.js';
import { blocksOf, SCALINGS, WEIGHT_KINDS, type WeightKind, type WeightScaling } from '../../../src/nn/weights.js';
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { randomWeights } from '../../support/packed-weights.js';
import { Random } from '../../support/random.js';

interface Shape {
  kind: WeightKind;
  scaling: WeightScaling;
  rows: number;
  inputs: number;
  outputs: number;
  columns: number;
  epilogue?: 'store' | 'add' | 'gated' | 'addAlone';
  normalised?: boolean;
  bias?: boolean;
  form?: ActivationForm;
  activation?: number;
  firstOutput?: number;
  split?: number;
  ahead?: number;
}

const EPILOGUES = ['store', 'add', 'gated', 'addAlone'];
const EPSILON = 1e-3;
const pad = (count: number) => Math.ceil(count / 32) * 32;

/** Rows of q8 or f32 activations, and the numbers that they stand for. */
function activations(random: Random, { kind, rows, inputs }: Shape) {
  const blocks = blocksOf(inputs);
  const quantized = kind === 'int4' || kind === 'int8';
  const about = new Float32Array(rows * blocks * 4);
  const numbers = new Float64Array(rows * pad(inputs));
  const bytes = new Int8Array(rows * pad(inputs));
  for (let block = 0; block < rows * blocks; block++) {
    const live = Math.min(32, inputs - (block % blocks) * 32);
    const scale = quantized ? Math.fround(random.uniform() / 64) : 1;
    let sum = 0;
    for (let i = 0; i < live; i++) {
      const at = block * 32 + i;
      bytes[at] = random.below(255) - 127;
      numbers[at] = quantized ? scale * bytes[at] : Math.fround(random.normal());
      sum += bytes[at];
    }
    about.set([scale, scale * sum, 32 * (0.5 + random.uniform()), 0], block * 4);
  }
  const values = quantized ? new Uint32Array(bytes.buffer) : new Uint32Array(Float32Array.from(numbers).buffer);
  return { values, about, numbers };
}

/** [row][weight row]: scaled, with its bias. */
function products(shape: Shape, weights: Float64Array, input: ReturnType<typeof activations>, bias: Float32Array) {
  const { rows, inputs, normalised } = shape;
  const blocks = blocksOf(inputs);
  return (row: number, weightRow: number): number => {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < inputs; i++) sum += weights[weightRow * inputs + i] * input.numbers[row * pad(inputs) + i];
    for (let block = 0; block < blocks; block++) squares += input.about[(row * blocks + block) * 4 + 2];
    if (row >= rows) throw new RangeError('no such row');
    if (normalised) sum /= Math.sqrt(squares / inputs + EPSILON);
    return sum + (shape.bias ? bias[weightRow] : 0);
  };
}

const silu = (x: number) => x / (1 + Math.exp(-x));
const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Numbers of a row of `next`, and those whose squares are summed. */
interface NextRow {
  numbers: Float64Array;
  before: Float64Array;
}

/** Judges an activation of any form by what it stands for. */
function checkNext(form: ActivationForm, firstBlock: number, expected: readonly NextRow[]) {
  return ({ nextValues, nextBlocks }: Outputs): string | undefined => {
    const values = nextValues as Uint32Array;
    const bytes = new DataView(values.buffer, values.byteOffset, values.byteLength);
    const half = (at: number) => {
      const [bits, sign] = [bytes.getUint16(at, true), bytes.getUint8(at + 1) & 0x80 ? -1 : 1];
      const exponent = (bits >> 10) & 31;
      return sign * (exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25));
    };
    for (const [row, { numbers, before }] of expected.entries()) {
      const nextStride = numbers.length / 32;
      for (let block = firstBlock; block < nextStride; block++) {
        const at = row * nextStride + block;
        const own = numbers.subarray(block * 32, block * 32 + 32);
        const most = own.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
        const squares = before.subarray(block * 32, block * 32 + 32).reduce((sum, x) => sum + x * x, 0);
        const [scale, sum, square, nothing] = nextBlocks.subarray(at * 4, at * 4 + 4);
        let quants = 0;
        for (const [i, x] of own.entries()) {
          const number = () => (form === 'f32' ? bytes.getFloat32((at * 32 + i) * 4, true) : half((at * 32 + i) * 2));
          const quant = form === 'q8' ? bytes.getInt8(at * 32 + i) : 0;
          quants += quant;
          const got = form === 'q8' ? scale * quant : number();
          const slack = most * (form === 'q8' ? 0.51 / 127 : form === 'f16' ? 6e-4 : 2e-5) + 1e-6;
          if (!(Math.abs(got - x) <= slack)) return `row ${row}, number ${block * 32 + i}: ${got}, not ${x}`;
        }
        const wanted = form === 'q8' ? [most / 127, scale * quants] : [1, 0];
        if (!(Math.abs(scale - wanted[0]) <= 1e-4 * wanted[0])) return `row ${row}, block ${block}: scale ${scale}`;
        if (!(Math.abs(sum - wanted[1]) <= 1e-5 * Math.abs(wanted[1]) + 1e-7)) return `block ${block}: sum ${sum}`;
        if (!(Math.abs(square - squares) <= 1e-4 * squares + 1e-12))
          return `block ${block}: squares ${square}, not ${squares}`;
        if (nothing !== 0) return `block ${block}: ${nothing}, not 0`;
      }
    }
    return undefined;
  };
}

function project(shape: Shape) {
  const { kind, scaling, rows, inputs, outputs, columns, epilogue = 'store', form = 'q8', activation = 0 } = shape;
  const { firstOutput = 0 } = shape;
  const gated = epilogue === 'gated';
  const random = new Random(rows * 31 + inputs + outputs * 7 + columns);
  const weightRows = gated ? 2 * pad(outputs) : outputs;
  const weights = randomWeights(rows + inputs, { kind, scaling, rows: weightRows, columns: inputs });
  const input = activations(random, shape);
  const bias = random.rows('normal', 1, pad(weightRows) + 2 * firstOutput);
  const norm = random.rows('normal', 1, pad(outputs + firstOutput));
  const stride = pad(outputs + firstOutput) + 32;
  const firstColumn = epilogue === 'store' ? 3 : 0;
  const initial = random.rows('normal', rows, stride);
  const results = floats(rows * stride, gated ? {} : { initial });
  // A dispatch from `firstOutput` on has its weights from 0 on.
  const y = products(shape, weights.values, input, bias.subarray(gated ? 2 * firstOutput : firstOutput));
  const nextStride = pad(outputs + firstOutput) / 32;
  const next = Array.from({ length: rows }, () => ({
    numbers: new Float64Array(nextStride * 32),
    before: new Float64Array(nextStride * 32),
  }));
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < outputs; i++) {
      const at = row * stride + firstColumn + firstOutput + i;
      const to = firstOutput + i;
      if (gated) {
        const tile = Math.floor(i / 32) * 64 + (i % 32);
        const gate = y(row, tile);
        next[row].before[to] = (activation === 0 ? silu(gate) : gelu(gate)) * y(row, tile + 32);
        next[row].numbers[to] = next[row].before[to];
      } else {
        const result = y(row, i) + (epilogue === 'store' ? 0 : initial[at]);
        results.set(at, result);
        next[row].before[to] = result;
        next[row].numbers[to] = result * norm[to];
      }
    }
  }
  const writes = gated || epilogue === 'add';
  const nextValues = words(rows * nextStride * { f32: 32, f16: 16, q8: 8 }[form]);
  const nextBlocks = floats(rows * nextStride * 4);
  if (writes) {
    const wordsOfBlock = nextValues.length / (rows * nextStride);
    for (let block = 0; block < rows * nextStride; block++) {
      if (block % nextStride < firstOutput / 32) continue;
      for (let i = 0; i < wordsOfBlock; i++) nextValues.written(block * wordsOfBlock + i);
      for (let i = 0; i < 4; i++) nextBlocks.written(block * 4 + i);
    }
  }
  return {
    buffers: {
      quants: weights.quants,
      scales: weights.scales,
      values: input.values,
      blocks: input.about,
      bias,
      norm,
      results,
      nextValues,
      nextBlocks,
    },
    params: {
      rows,
      outputs: outputs + firstOutput,
      rowBlocks: blocksOf(inputs),
      firstOutput,
      stride,
      firstColumn,
      nextStride,
      epsilon: EPSILON,
      inputs,
    },
    constants: {
      kind: WEIGHT_KINDS.indexOf(kind),
      scaling: SCALINGS.indexOf(scaling),
      columns,
      normalised: shape.normalised ? 1 : 0,
      epilogue: EPILOGUES.indexOf(epilogue),
      activation,
      form: FORMS.indexOf(form),
      withBias: shape.bias ? 1 : 0,
      // Both forms of the code, the long one where it is short anyway.
      unrolled: columns === 1 ? 1 : 0,
      split: shape.split ?? 1,
      ahead: shape.ahead ?? 4,
    },
    grid: [Math.ceil(outputs / 32), Math.ceil(rows / columns)] as const,
    ...(writes ? { check: checkNext(form, firstOutput / 32, next) } : {}),
  };
}

const q4 = { kind: 'int4', scaling: 'symmetric' } as const;
const kinds: Pick<Shape, 'kind' | 'scaling'>[] = [
  q4,
  { kind: 'int4', scaling: 'affine' },
  { kind: 'int4', scaling: 'super32' },
  { kind: 'int8', scaling: 'symmetric' },
  { kind: 'int8', scaling: 'affine' },
  { kind: 'int8', scaling: 'super32' },
  { kind: 'int8', scaling: 'super16' },
  { kind: 'f32', scaling: 'none' },
  { kind: 'f16', scaling: 'none' },
  { kind: 'bf16', scaling: 'none' },
];
const shapes: Shape[] = [
  ...kinds.map((own) => ({ ...own, rows: 1, inputs: 160, outputs: 65, columns: 1 })),
  ...kinds.map((own) => ({ ...own, rows: 3, inputs: 576, outputs: 33, columns: 4, bias: true, normalised: true })),
  { ...q4, rows: 1, inputs: 32, outputs: 1, columns: 1 },
  { ...q4, rows: 1, inputs: 2176, outputs: 96, columns: 1, bias: true, normalised: true },
  { ...q4, rows: 1, inputs: 2080, outputs: 33, columns: 1 },
  { ...q4, rows: 2, inputs: 100, outputs: 64, columns: 2, normalised: true },
  { ...q4, rows: 8, inputs: 320, outputs: 40, columns: 8, normalised: true },
  { ...q4, rows: 13, inputs: 288, outputs: 70, columns: 16, normalised: true },
  { ...q4, rows: 21, inputs: 96, outputs: 33, columns: 8 },
  { ...q4, rows: 37, inputs: 160, outputs: 33, columns: 16, epilogue: 'addAlone' },
  ...FORMS.map((form) => ({ ...q4, rows: 1, inputs: 256, outputs: 70, columns: 1, epilogue: 'add', form }) as const),
  ...FORMS.map((form) => ({ ...q4, rows: 3, inputs: 192, outputs: 45, columns: 4, epilogue: 'gated', form }) as const),
  {
    ...q4,
    rows: 1,
    inputs: 576,
    outputs: 40,
    columns: 1,
    epilogue: 'gated',
    activation: 1,
    normalised: true,
    bias: true,
  },
  { ...q4, rows: 16, inputs: 64, outputs: 64, columns: 16, epilogue: 'gated', normalised: true },
  { ...q4, rows: 9, inputs: 64, outputs: 33, columns: 8, epilogue: 'add', bias: true },
  { ...q4, rows: 2, inputs: 64, outputs: 64, columns: 2, epilogue: 'add', firstOutput: 32, bias: true },
  { ...q4, rows: 1, inputs: 64, outputs: 64, columns: 1, epilogue: 'gated', firstOutput: 64, bias: true },
  { ...q4, rows: 3, inputs: 160, outputs: 70, columns: 4, split: 2, normalised: true },
  { ...q4, rows: 8, inputs: 96, outputs: 33, columns: 8, split: 2, ahead: 1, epilogue: 'gated', normalised: true },
  { ...q4, rows: 15, inputs: 576, outputs: 40, columns: 16, split: 2, ahead: 2, epilogue: 'add' },
  { kind: 'int8', scaling: 'super16', rows: 5, inputs: 288, outputs: 33, columns: 8, split: 4, ahead: 1 },
  { kind: 'f16', scaling: 'none', rows: 4, inputs: 96, outputs: 65, columns: 4, split: 2 },
  { ...q4, rows: 1, inputs: 6368, outputs: 40, columns: 1, ahead: 8, epilogue: 'add' },
  { ...q4, rows: 1, inputs: 4100, outputs: 33, columns: 1, ahead: 8, epilogue: 'gated' },
  { kind: 'int8', scaling: 'affine', rows: 2, inputs: 8192, outputs: 32, columns: 2, ahead: 8 },
  { kind: 'bf16', scaling: 'none', rows: 1, inputs: 96, outputs: 33, columns: 1, epilogue: 'gated', form: 'f32' },
];

const nameOf = (shape: Shape): string => {
  const { kind, scaling, rows, inputs, outputs, columns, epilogue = 'store' } = shape;
  const rest = (['normalised', 'bias', 'form', 'activation', 'firstOutput', 'split', 'ahead'] as const)
    .filter((key) => shape[key])
    .map((key) => (shape[key] === true ? key : `${key} ${shape[key]}`));
  const sizes = `${rows} x ${inputs} to ${outputs} by ${columns}`;
  return [`${kind} ${scaling}: ${sizes}`, epilogue, ...rest].join(', ');
};

export default cases(
  'project_rows',
  shapes.map((shape) => ({ name: nameOf(shape), make: () => project(shape), slowToCompile: shape.ahead === 8 })),
);
