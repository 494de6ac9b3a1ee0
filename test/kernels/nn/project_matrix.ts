// project_matrix: rows of inputs against weights of every kind, with bias, added to what is there, at edges of tiles.
import { cases, floats } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { blocksOf, halvesOf, randomTiles, type TileShape } from '../../support/weight-tiles.js';

interface Shape extends TileShape {
  /** Of inputs; `rows` are outputs. */
  readonly inputRows: number;
  readonly half?: boolean;
  readonly add?: boolean;
  readonly bias?: boolean;
  readonly tileRows?: number;
}

/** Rows padded with zeros to blocks of 32. */
function inputsOf(random: Random, { inputRows, columns, half }: Shape) {
  const width = blocksOf(columns) * 32;
  const padded = new Float32Array(inputRows * width);
  for (let row = 0; row < inputRows; row++) {
    for (let i = 0; i < columns; i++) padded[row * width + i] = random.normal();
  }
  if (!half) return { words: padded, numbers: Float64Array.from(padded), width };
  return { ...halvesOf(padded), width };
}

function multiply(shape: Shape) {
  const { rows: outputs, columns, inputRows, half = false, add = false, bias = false, tileRows = 128 } = shape;
  const random = new Random(inputRows * 31 + outputs + columns);
  const weights = randomTiles(random, shape);
  const inputs = inputsOf(random, shape);
  const [stride, firstColumn, firstBias] = [outputs + 5, 3, 2];
  const biases = Float32Array.from({ length: outputs + firstBias }, () => random.normal());
  const before = Float32Array.from({ length: inputRows * stride }, () => random.normal());
  const results = floats(before.length, { initial: before, nmse: 1e-11 });
  for (let row = 0; row < inputRows; row++) {
    for (let output = 0; output < outputs; output++) {
      let sum = bias ? biases[firstBias + output] : 0;
      for (let i = 0; i < columns; i++)
        sum += inputs.numbers[row * inputs.width + i] * weights.numbers[output * columns + i];
      const at = row * stride + firstColumn + output;
      results.set(at, add ? before[at] + sum : sum);
    }
  }
  return {
    buffers: { quants: weights.quants, scales: weights.scales, inputs: inputs.words, bias: biases, results },
    params: { rows: inputRows, outputs, blocks: blocksOf(columns), stride, firstColumn, firstBias },
    constants: {
      ...weights.constants,
      halfInput: Number(half),
      epilogue: Number(add),
      withBias: Number(bias),
      tileRows,
    },
    grid: [Math.ceil(inputRows / tileRows), Math.ceil(outputs / 128)] as const,
  };
}

const dense = { scaling: 'none' } as const;
const shapes: Shape[] = [
  { ...dense, kind: 'f32', inputRows: 1, rows: 1, columns: 1 },
  { ...dense, kind: 'f32', inputRows: 3, rows: 33, columns: 32, bias: true },
  { ...dense, kind: 'f32', inputRows: 70, rows: 130, columns: 97, add: true },
  { ...dense, kind: 'f32', inputRows: 130, rows: 40, columns: 300, half: true, bias: true, add: true },
  { ...dense, kind: 'f16', inputRows: 66, rows: 160, columns: 160, half: true },
  { ...dense, kind: 'f16', inputRows: 66, rows: 96, columns: 65, bias: true, tileRows: 64 },
  { ...dense, kind: 'bf16', inputRows: 17, rows: 64, columns: 130, bias: true },
  { kind: 'int8', scaling: 'symmetric', inputRows: 20, rows: 70, columns: 160, half: true },
  { kind: 'int8', scaling: 'affine', inputRows: 129, rows: 31, columns: 32 },
  { kind: 'int8', scaling: 'super32', inputRows: 9, rows: 33, columns: 224, add: true },
  { kind: 'int8', scaling: 'super16', inputRows: 40, rows: 129, columns: 256, half: true, tileRows: 64 },
  { kind: 'int4', scaling: 'symmetric', inputRows: 130, rows: 140, columns: 192, half: true, bias: true },
  { kind: 'int4', scaling: 'symmetric', inputRows: 128, rows: 256, columns: 128, half: true, add: true },
  { kind: 'int4', scaling: 'affine', inputRows: 33, rows: 65, columns: 161, add: true },
  { kind: 'int4', scaling: 'super32', inputRows: 64, rows: 128, columns: 512, half: true, tileRows: 64 },
];

export default cases(
  'project_matrix',
  shapes.map((shape) => {
    const { kind, scaling, inputRows, rows, columns, half, add, bias, tileRows } = shape;
    const also = [half && 'halves', add && 'added', bias && 'bias', tileRows === 64 && 'small tile'];
    const more = also.filter(Boolean).map((text) => `, ${text}`);
    return {
      name: `${kind} ${scaling}: ${inputRows} x ${rows} x ${columns}${more.join('')}`,
      make: () => multiply(shape),
    };
  }),
);
