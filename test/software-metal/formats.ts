// Numbers of 16 and 32 bits: the arrays that kernels read, and their values.
import { fromHalf, toHalf } from '../support/weight-tiles.js';
import type { Data } from './run.js';

export interface Format {
  encode(values: readonly number[]): Data;
  decode(data: Data): number[];
}

const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

function toBfloat(value: number): number {
  word[0] = value;
  const pattern = bits[0] as number;
  return (pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16;
}

function fromBfloat(pattern: number): number {
  bits[0] = pattern << 16;
  return word[0] as number;
}

export const f32: Format = {
  encode: (values) => Float32Array.from(values),
  decode: (data) => Array.from(data),
};
export const f16: Format = {
  encode: (values) => Uint16Array.from(values, toHalf),
  decode: (data) => Array.from(data, (pattern) => ((pattern & 0x7c00) === 0x7c00 ? Number.NaN : fromHalf(pattern))),
};
export const bf16: Format = {
  encode: (values) => Uint16Array.from(values, toBfloat),
  decode: (data) => Array.from(data, fromBfloat),
};
