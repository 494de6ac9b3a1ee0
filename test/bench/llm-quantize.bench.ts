// Plain numbers of a file into int4 and int8 weights.
import { recordRepack } from '../../src/nn/repack.js';
import { Weights } from '../../src/nn/weights.js';
import { toHalf } from '../support/weight-tiles.js';
import { type BenchContext, type BenchRow, timeProgram } from './context.js';
import { noise } from './data.js';

export const name = 'llm-quantize';

const COLUMNS = 2048;
const ROWS = { gpu: 32768, cpu: 8192, software: 256 };
/** Of numbers that are repeated. */
const NOISE = 1 << 20;

export async function run(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  const rows = context.size(ROWS);
  const measured: BenchRow[] = [];
  if (!context.wants(name)) return measured;
  const some = Uint16Array.from(noise(NOISE, 1), toHalf);
  using source = device.tensor('f16', [rows * COLUMNS]);
  for (let at = 0; at < rows * COLUMNS; at += NOISE)
    await source.write(some.subarray(0, Math.min(NOISE, rows * COLUMNS - at)), at);
  for (const kind of ['int4', 'int8'] as const) {
    for (const scaling of ['symmetric', 'affine'] as const) {
      using weights = Weights.allocate(device, { kind, scaling, rows, columns: COLUMNS });
      using program = await device.record((recorder) =>
        recordRepack(recorder, { weights, source, sourceType: 'F16', rows }),
      );
      const time = await timeProgram(program);
      const value = (rows * COLUMNS) / (time.deviceMs ?? time.wallMs) / 1e6;
      const bytes = source.bytes + weights.bytes;
      const shape = `F16 to ${kind} ${scaling}, ${rows} x ${COLUMNS}`;
      measured.push({ name: 'quantize_weights', shape, ...time, bytes, value, unit: 'G weights/s' });
    }
  }
  return measured;
}
