// Parameters and specialization constants as the bytes that a kernel takes.
import type { KernelInfo } from '../kernels/generated.js';
import { checkInteger, checkObject, describe, hint } from './validate.js';

type Param = KernelInfo['params'][number];

/** An object with no other members than these; `noun` says what one is. */
export function checkNames(
  kernel: string,
  noun: string,
  given: unknown,
  names: readonly string[],
): Record<string, unknown> {
  checkObject(kernel, `${noun}s`, given);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new TypeError(`${kernel}: there is no ${noun} '${name}'${hint(name, names)}`);
  }
  return given as Record<string, unknown>;
}

function writeParam(view: DataView, kernel: string, { name, type, offset }: Param, value: unknown): void {
  const label = `params.${name}`;
  if (type === 'u32') view.setUint32(offset, checkInteger(kernel, label, value, { min: 0, max: 0xffffffff }), true);
  else if (type === 'i32') {
    view.setInt32(offset, checkInteger(kernel, label, value, { min: -0x80000000, max: 0x7fffffff }), true);
  } else if (typeof value === 'number') view.setFloat32(offset, value, true);
  else throw new TypeError(`${kernel}: ${label} must be a number, got ${describe(value)}`);
}

export function encodeParams(kernel: string, { params }: KernelInfo, given: unknown): Uint8Array {
  const names = params.map(({ name }) => name);
  const values = checkNames(kernel, 'param', given, names);
  const bytes = new Uint8Array(params.length * 4);
  const view = new DataView(bytes.buffer);
  for (const param of params) writeParam(view, kernel, param, values[param.name]);
  return bytes;
}

export function encodeConstants(kernel: string, { constants }: KernelInfo, given: unknown): Uint32Array {
  const names = constants.map(({ name }) => name);
  const values = checkNames(kernel, 'constant', given, names);
  return Uint32Array.from(constants, (constant) => {
    const value = values[constant.name] ?? constant.default;
    return checkInteger(kernel, `constants.${constant.name}`, value, { min: 0, max: 0xffffffff });
  });
}
