// Runs one kernel case on a device, twice, and judges it. Shared by the vitest suite and the plain-Node runner.
import type { Device, Recorder, Tensor } from '../../src/index.js';
import { unrolledOn } from '../../src/kernels/choices.js';
import { type KernelName, kernelTable } from '../../src/kernels/generated.js';
import { type CaseBuffer, type KernelCase, type KernelRun, Output, type Words } from './cases.js';
import { bitsOf, judge } from './judge.js';

/** Words past the end of every buffer: a kernel that writes them is caught, one that uses them computes with NaN. */
const GUARD_WORDS = 64;
export const GUARD = 0x7fc0dead;

interface Bound {
  name: string;
  source: CaseBuffer;
  tensor: Tensor;
  contents: Words;
}

function guarded(source: CaseBuffer): Words {
  const length = source.length;
  const bits = new Uint32Array(length + GUARD_WORDS).fill(GUARD);
  bits.set(source instanceof Output ? source.initial : bitsOf(source));
  const float = source instanceof Output ? source.type === 'f32' : source instanceof Float32Array;
  return float ? new Float32Array(bits.buffer) : bits;
}

function bind(device: Device, buffers: Readonly<Record<string, CaseBuffer>>): Bound[] {
  return Object.entries(buffers).map(([name, source]) => {
    const contents = guarded(source);
    const tensor = device.tensor(contents instanceof Float32Array ? 'f32' : 'u32', [contents.length]);
    return { name, source, tensor, contents };
  });
}

function firstDifference(a: Words, b: Words): number {
  const left = bitsOf(a);
  const right = bitsOf(b);
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return i;
  return -1;
}

export function judgeRun(
  run: Pick<KernelRun<KernelName>, 'check'>,
  outputs: [string, Output, Words][],
): string | undefined {
  for (const [name, output, got] of outputs) {
    const wrong = judge(output, got, GUARD);
    if (wrong !== undefined) return `${name}: ${wrong}`;
  }
  return run.check?.(Object.fromEntries(outputs.map(([name, output, got]) => [name, got.subarray(0, output.length)])));
}

/** As the library does: on a software device a kernel with a long form runs in its short one, unless a case says which. */
function shortForm(device: Device, kernel: KernelName): { unrolled?: number } {
  const hasForms = kernelTable[kernel].constants.some(({ name }) => name === 'unrolled');
  return hasForms ? { unrolled: unrolledOn(device) } : {};
}

async function runTwice(
  device: Device,
  kernel: KernelName,
  run: KernelRun<KernelName>,
  bound: Bound[],
): Promise<string | undefined> {
  const buffers = Object.fromEntries(bound.map(({ name, tensor }) => [name, tensor]));
  const { params, grid } = run;
  const constants = { ...shortForm(device, kernel), ...run.constants };
  const record = (recorder: Recorder) => {
    recorder.dispatch(kernel, { buffers, params, constants, grid } as Parameters<Recorder['dispatch']>[1]);
  };
  const program = await device.record(record);
  try {
    const written = bound.filter(({ source }) => source instanceof Output);
    const request = {
      write: bound.map(({ tensor, contents }) => [tensor, contents] as const),
      read: written.map(({ tensor }) => tensor),
    };
    const first = await program.run(request);
    const second = await program.run(request);
    for (let i = 0; i < written.length; i++) {
      const at = firstDifference(first.outputs[i] as Words, second.outputs[i] as Words);
      if (at >= 0) return `${written[i].name}: [${at}] differs between two runs`;
    }
    return judgeRun(
      run,
      written.map(({ name, source }, i) => [name, source as Output, first.outputs[i] as Words]),
    );
  } finally {
    program.dispose();
  }
}

/** What is wrong, or undefined. */
export async function runCase(device: Device, kernel: KernelName, kernelCase: KernelCase): Promise<string | undefined> {
  const run = kernelCase.make();
  const bound = bind(device, run.buffers);
  try {
    return await runTwice(device, kernel, run, bound);
  } finally {
    for (const { tensor } of bound) tensor.dispose();
  }
}
