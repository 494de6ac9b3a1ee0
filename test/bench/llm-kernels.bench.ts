// The projections of a decoding step: a few rows times INT4 weights (Q4_0), each with its weights in memory, not in a cache.
import { Activation } from '../../src/nn/activation.js';
import { formFor, type ProjectionCall, recordProjection } from '../../src/nn/linear.js';
import { blocksOf, Weights } from '../../src/nn/weights.js';
import type { Device } from '../../src/runtime/device.js';
import type { Tensor } from '../../src/runtime/tensor.js';
import { foldedOf, recordRead } from './ceilings.js';
import { type BenchContext, type BenchRow, type Timing, timeProgram } from './context.js';

export const name = 'llm-kernels';

interface Shape {
  readonly inputs: number;
  readonly outputs: number;
  readonly epilogue: 'store' | 'add' | 'gated';
}

/** Llama 2 7B: QKV, output, gate and up, down, logits. */
const LARGE: readonly Shape[] = [
  { inputs: 4096, outputs: 12288, epilogue: 'store' },
  { inputs: 4096, outputs: 4096, epilogue: 'add' },
  { inputs: 4096, outputs: 22016, epilogue: 'gated' },
  { inputs: 11008, outputs: 4096, epilogue: 'add' },
  { inputs: 4096, outputs: 32000, epilogue: 'store' },
];
/** A Llama of 135M weights. */
const SMALL: readonly Shape[] = [
  { inputs: 576, outputs: 960, epilogue: 'store' },
  { inputs: 576, outputs: 576, epilogue: 'add' },
  { inputs: 576, outputs: 3072, epilogue: 'gated' },
  { inputs: 1536, outputs: 576, epilogue: 'add' },
  { inputs: 576, outputs: 49152, epilogue: 'store' },
];

/** Far more than any cache holds. */
const BYTES = { gpu: 512 << 20, cpu: 160 << 20, software: 1 << 20 };
const [HALVES, NIBBLES] = [0x2c002c00, 0x73a51c9e];

function fillAll(device: Device, tensors: ReadonlyMap<Tensor, number>): Promise<unknown> {
  const filled = device.record((recorder) => {
    for (const [tensor, value] of tensors) recorder.fill(tensor, value);
  });
  return filled.then((program) => program.run().then(() => program.dispose()));
}

/** What the device takes to read the same weights, each matrix behind the one before, and nothing else. */
async function timeReads(device: Device, weights: readonly Weights[]): Promise<Timing> {
  const parts = weights.flatMap(({ segments }) => segments.map(({ quants }) => quants));
  using folded = foldedOf(device, Math.max(...parts.map(({ bytes }) => bytes)));
  using program = await device.record((recorder) => {
    for (const quants of parts) recordRead(recorder, quants, folded);
  });
  return await timeProgram(program);
}

async function project(context: BenchContext, { inputs, outputs, epilogue }: Shape, rows: number): Promise<BenchRow[]> {
  const { device } = context;
  const shape = { kind: 'int4', scaling: 'symmetric', rows: outputs, columns: inputs } as const;
  using first = Weights.allocate(device, shape);
  const sets = Math.max(2, Math.ceil(context.size(BYTES) / first.bytes));
  const weights = [first, ...Array.from({ length: sets - 1 }, () => Weights.allocate(device, shape))];
  using input = Activation.allocate(device, { rows, columns: inputs, form: formFor(device, first, rows) });
  using next = Activation.allocate(device, {
    rows,
    columns: epilogue === 'gated' ? outputs / 2 : outputs,
    form: input.form,
  });
  using results = device.tensor('f32', [rows, outputs]);
  using norm = device.tensor('f32', [outputs]);
  const parts = weights.flatMap(({ segments }) => segments);
  await fillAll(
    device,
    new Map([
      ...parts.map(({ quants }) => [quants, NIBBLES] as const),
      ...parts.map(({ scales }) => [scales, HALVES] as const),
      ...[input.values, input.blocks, results, norm].map((tensor) => [tensor, 0] as const),
    ]),
  );
  const normalized = epilogue === 'add' ? undefined : { epsilon: 1e-5 };
  const after = { store: { results }, add: { results, norm, next }, gated: { next } }[epilogue];
  using program = await device.record((recorder) => {
    const call: Omit<ProjectionCall, 'weights'> = { input, rows, epilogue, normalized, ...after };
    for (const own of weights) recordProjection(recorder, { ...call, weights: own });
  });
  const time = await timeProgram(program);
  const reading = await timeReads(device, weights);
  for (const own of weights) own.dispose();
  const each = (timing: Timing) => ((timing.deviceMs ?? timing.wallMs) * 1000) / sets;
  const text = `${inputs} to ${outputs}, ${epilogue}, ${rows} rows`;
  const bytes = sets * (first.bytes + rows * blocksOf(inputs) * 48);
  const flops = sets * 2 * rows * inputs * outputs;
  return [
    { name: 'project_rows', shape: `${sets} x ${text}`, bytes, flops, ...time },
    {
      name: 'project_rows, each',
      shape: text,
      value: each(time),
      unit: 'µs',
      note: `reading its weights alone ${each(reading).toFixed(2)} µs`,
    },
  ];
}

export async function run(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const shapes = context.deviceClass === 'gpu' ? LARGE : [...SMALL, ...LARGE.slice(0, 2)];
  for (const shape of shapes) {
    for (const count of [1, 8, 16]) {
      if (context.wants(name, 'project_rows')) rows.push(...(await project(context, shape, count)));
    }
  }
  return rows;
}
