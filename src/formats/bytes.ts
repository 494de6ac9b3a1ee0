// Memory for what a file holds, and the bytes of typed arrays.
import { ComputeError } from '../runtime/errors.js';

/** Memory for `length` numbers, which the caller has checked against the file's size. */
export function allocate<Data>(path: string, type: new (length: number) => Data, length: number): Data {
  try {
    return new type(length);
  } catch (cause) {
    throw new ComputeError('OUT_OF_MEMORY', `${path}: no memory for an array of ${length} numbers`, {
      suggestion: 'read the file in parts',
      cause,
    });
  }
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
