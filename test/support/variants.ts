// Variants of kernels: X_coop does on matrix units what X does, so it is judged by the cases of X, as exactly as halves allow.
import type { Device } from '../../src/index.js';
import { type KernelName, kernelTable } from '../../src/kernels/generated.js';
import { offersMatrixUnits } from '../../src/kernels/matrix-units.js';
import { type CaseBuffer, type KernelCase, type KernelCases, type KernelRun, Output } from './cases.js';

const SUFFIX = '_coop';
/** Inputs are rounded to 11 bits, with an error of some 2^-26 of their squares each. */
const HALVES_NMSE = 1e-6;

export const isVariant = (kernel: string): boolean => kernel.endsWith(SUFFIX);

function loosened(buffer: CaseBuffer): CaseBuffer {
  if (!(buffer instanceof Output) || buffer.type !== 'f32' || buffer.nmse === 0) return buffer;
  const { length, initial, nmse } = buffer;
  const loose = new Output('f32', length, { initial, nmse: Math.max(nmse, HALVES_NMSE) });
  loose.values.set(buffer.values);
  loose.marks.set(buffer.marks);
  return loose;
}

function loosenedRun(run: KernelRun<KernelName>): KernelRun<KernelName> {
  const buffers = Object.entries(run.buffers as Readonly<Record<string, CaseBuffer>>);
  const { check } = run;
  return {
    ...run,
    buffers: Object.fromEntries(buffers.map(([name, buffer]) => [name, loosened(buffer)])) as never,
    ...(check && { check: (outputs) => check(outputs, true) }),
  };
}

/** The cases, and those of each kernel that has a variant once more for that. */
export function withVariants(all: readonly KernelCases[]): KernelCases[] {
  const variants = all.flatMap(({ kernel, list }): KernelCases[] => {
    const variant = `${kernel}${SUFFIX}`;
    if (!Object.hasOwn(kernelTable, variant)) return [];
    const loose = ({ name, make, skip }: KernelCase): KernelCase => ({
      name,
      make: () => loosenedRun(make()),
      ...(skip === undefined ? {} : { skip }),
    });
    return [{ kernel: variant as KernelName, list: list.filter(({ plainOnly }) => !plainOnly).map(loose) }];
  });
  return [...all, ...variants];
}

/** Why the device cannot run a kernel, or undefined. */
export function whyUnsupported(device: Device, kernel: string): string | undefined {
  if (!isVariant(kernel) || offersMatrixUnits(device)) return undefined;
  return `${device.info.name} has none of the matrix units that kernels are for`;
}
