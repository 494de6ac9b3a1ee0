// Attention over a paged cache: a step of one row at some depths, and chunks of rows, plain and on matrix units.
import { hasMatrixUnits, testMatrixUnits } from '../../src/kernels/matrix-units.js';
import { Activation, type ActivationForm } from '../../src/nn/activation.js';
import { type AttentionCall, recordAttention } from '../../src/nn/attention.js';
import type { Tensor } from '../../src/runtime/tensor.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';

export const name = 'llm-attention';

const layout = { heads: 32, kvHeads: 8, headSize: 128, keyColumn: 4096, valueColumn: 5120, stride: 6144 };
const PAGE = 32;
/** Bytes of a token's keys and values. */
const TOKEN_BYTES = 2 * layout.kvHeads * layout.headSize * 2;

interface Work {
  readonly order: AttentionCall['order'];
  readonly rows: number;
  readonly depth: number;
  readonly form: ActivationForm;
  readonly kernel: string;
}

async function measure({ device }: BenchContext, { order, rows, depth, form, kernel }: Work): Promise<BenchRow> {
  const made: Tensor[] = [];
  const keep = (tensor: Tensor) => {
    made.push(tensor);
    return tensor;
  };
  const positions = depth + rows;
  const pageCount = Math.ceil(positions / PAGE);
  const pages = keep(
    await device.tensorFrom(
      Uint32Array.from({ length: pageCount }, (_, i) => i),
      [1, pageCount],
    ),
  );
  const sides = [pageCount, layout.kvHeads, PAGE, layout.headSize];
  const [keys, values] = [0, 1].map(() => keep(device.tensor('f16', sides)));
  const table = keep(device.tensor('f32', [positions, layout.headSize]));
  const projected = keep(device.tensor('f32', [rows, layout.stride]));
  const words = Array.from({ length: rows }, (_, i) => [1, depth + i, 0, 1]);
  const steps = keep(await device.tensorFrom(Uint32Array.from(words.flat())));
  using zero = await device.record((recorder) => {
    for (const tensor of [keys, values, table, projected]) recorder.fill(tensor, 0x2c002c00);
  });
  await zero.run();
  using output = Activation.allocate(device, { rows, columns: layout.heads * layout.headSize, form });
  const rope = { table, style: 'halves', dims: layout.headSize } as const;
  const call = { rows, order, projected, layout, rope, cache: { keys, values, pages }, steps, window: 0 };
  const scratch: AttentionCall['scratch'] = (_, type, shape) => keep(device.tensor(type, shape));
  using program = await device.record((recorder) =>
    recordAttention(recorder, { ...call, scale: 0.09, output, scratch }),
  );
  const timing = await timeProgram(program, { kernel, repeats: 20 });
  for (const tensor of made) tensor.dispose();
  const seen = rows * depth + (rows * (rows + 1)) / 2;
  const shape = `${rows} rows at depth ${depth}, ${layout.heads}/${layout.kvHeads} heads of ${layout.headSize}`;
  const flops = 4 * seen * layout.heads * layout.headSize;
  return { name: kernel, shape, ...timing, flops, ...(order === 'steps' && { bytes: positions * TOKEN_BYTES }) };
}

export async function run(context: BenchContext): Promise<BenchRow[]> {
  await testMatrixUnits(context.device);
  const depths = context.deviceClass === 'software' ? [512] : [512, 8192, 32_000];
  const chunk = hasMatrixUnits(context.device) ? 'attend_chunk_coop' : 'attend_chunk';
  const chunks = context.deviceClass === 'gpu' ? [512, 2048] : [64];
  const chunkDepths = context.deviceClass === 'gpu' ? [0, 8192] : [0];
  const rows: BenchRow[] = [];
  for (const depth of depths) {
    const work = { order: 'steps', rows: 1, depth, form: 'q8', kernel: 'attend_rows' } as const;
    if (context.wants(name, work.kernel)) rows.push(await measure(context, work));
  }
  for (const count of chunks) {
    for (const depth of chunkDepths) {
      const form = chunk === 'attend_chunk_coop' ? 'f16' : 'f32';
      const work = { order: 'chunk', rows: count, depth, form, kernel: chunk } as const;
      if (context.wants(name, chunk)) rows.push(await measure(context, work));
    }
  }
  return rows;
}
