// Checks, copies and comparisons of rows on the host.
import { describe } from '../runtime/validate.js';
import { rejectInvalid } from './packed-rows.js';
import { Turns } from './turns.js';

type SizedArray = Int8Array | Float32Array;

export function checkLength(
  where: string,
  name: string,
  array: unknown,
  type: new (length: number) => SizedArray,
  length: number,
): void {
  if (!(array instanceof type)) throw new TypeError(`${where}: ${name} must be a ${type.name}, got ${describe(array)}`);
  if (array.length !== length)
    throw new RangeError(`${where}: ${name} must have ${length} elements, got ${array.length}`);
}

/** Copies the bytes that both rows have. */
export function copyRows(from: Int8Array, fromStride: number, to: Int8Array, toStride: number): void {
  const shared = Math.min(fromStride, toStride);
  for (let i = 0; i * fromStride < from.length; i++) {
    const begin = i * fromStride;
    for (let b = 0; b < shared; b++) to[i * toStride + b] = from[begin + b];
  }
}

/** Dot product and squared lengths of a vector and its reconstruction. */
export function compare(a: Float32Array, b: Float32Array, at: number, dimensions: number): [number, number, number] {
  let dot = 0;
  let own = 0;
  let other = 0;
  for (let i = at; i < at + dimensions; i++) {
    dot += a[i] * b[i];
    own += a[i] * a[i];
    other += b[i] * b[i];
  }
  return [dot, own, other];
}

export async function rejectNonFinite(
  where: string,
  numbers: Float32Array,
  dimensions: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const turns = new Turns(signal);
  for (let row = 0; row * dimensions < numbers.length; row++) {
    for (let i = row * dimensions; i < (row + 1) * dimensions; i++)
      if (!Number.isFinite(numbers[i])) rejectInvalid(where, row);
    await turns.pause();
  }
}
