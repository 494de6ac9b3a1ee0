// Prefill's products: 512 rows times the matrices of a 7B Llama, on matrix units with either tile and without them.
import { unrolledOn } from '../../src/kernels/choices.js';
import { hasMatrixUnits, testMatrixUnits } from '../../src/kernels/matrix-units.js';
import { SCALINGS, tileBytes, WEIGHT_KINDS, type WeightKind, type WeightScaling } from '../../src/nn/weights.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';
import { noise } from './data.js';

export const name = 'llm matrix';

interface Product {
  readonly kernel: 'project_matrix' | 'project_matrix_coop';
  readonly tileRows: number;
  readonly kind: WeightKind;
  readonly scaling: WeightScaling;
  readonly inputs: number;
  readonly outputs: number;
}

const TILE_OUTPUTS = 128;
/** [inputs, outputs] of Q, K and V, of O, of gate and up, of down. */
const SIDES = [
  [4096, 12288],
  [4096, 4096],
  [4096, 22016],
  [11008, 4096],
] as const;
const KINDS = [
  ['int4', 'symmetric'],
  ['f16', 'none'],
] as const;

/** Halves between 1 and 2 with either sign, two to a word; as int4 they do as well. */
function halves(count: number, seed: number): Uint32Array {
  const bits = new Uint32Array(noise(count, seed).buffer);
  return bits.map((word) => ((Math.imul(word, 0x9e3779b1) & 0x83ff83ff) | 0x3c003c00) >>> 0);
}

async function multiply({ device }: BenchContext, product: Product, rows: number): Promise<BenchRow> {
  const { kernel, tileRows, kind, scaling, inputs, outputs } = product;
  const bytes = tileBytes({ kind, scaling, rows: outputs, columns: inputs });
  const tiles = outputs / 32;
  using quants = await device.tensorFrom(halves((bytes.quants * tiles) / 4, 1));
  using scales = await device.tensorFrom(halves(Math.max(2, (bytes.scales * tiles) / 4), 2));
  using activation = await device.tensorFrom(halves((rows * inputs) / 2, 3));
  using bias = device.tensor('f32', [outputs]);
  using results = device.tensor('f32', [rows * outputs]);
  using program = await device.record((recorder) => {
    recorder.dispatch(kernel, {
      buffers: { quants, scales, inputs: activation, bias, results },
      params: { rows, outputs, blocks: inputs / 32, stride: outputs, firstColumn: 0, firstBias: 0 },
      constants: {
        kind: WEIGHT_KINDS.indexOf(kind),
        scaling: SCALINGS.indexOf(scaling),
        halfInput: 1,
        tileRows,
        unrolled: unrolledOn(device),
      },
      grid: [Math.ceil(rows / tileRows), Math.ceil(outputs / TILE_OUTPUTS)],
    });
  });
  const shape = `${rows} x ${inputs} -> ${outputs}, ${kind} ${scaling}, tiles of ${tileRows}`;
  return { name: kernel, shape, flops: 2 * rows * inputs * outputs, ...(await timeProgram(program)) };
}

async function multiplyAll(context: BenchContext, kernel: Product['kernel'], tileRows: number): Promise<BenchRow[]> {
  const rows = context.size({ gpu: 512, cpu: 128, software: 32 });
  const sides = context.size({ gpu: SIDES.length, cpu: 2, software: 0 });
  const list: BenchRow[] = [];
  for (const [kind, scaling] of KINDS) {
    for (const [inputs, outputs] of SIDES.slice(0, sides)) {
      list.push(await multiply(context, { kernel, tileRows, kind, scaling, inputs, outputs }, rows));
    }
  }
  return list;
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  const onUnits = async (tileRows: number) => {
    await testMatrixUnits(context.device);
    return hasMatrixUnits(context.device) ? multiplyAll(context, 'project_matrix_coop', tileRows) : [];
  };
  return context.collect(name, {
    project_matrix_coop: async () => [...(await onUnits(128)), ...(await onUnits(64))],
    project_matrix: () => multiplyAll(context, 'project_matrix', 128),
  });
}
