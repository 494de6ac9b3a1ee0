// NumPy .npy arrays of one or two axes. float64 and float16 become float32; the other types stay what they are.

import { allocate, bytesOf } from '../../formats/bytes.js';
import { checkPath, type InputFile, SLICE_BYTES, withInputFile } from '../../formats/input-file.js';
import { writeAtomically } from '../../runtime/atomic-file.js';
import { type NpyHeader, type NpyType, npyHeader, readNpyHeader } from './npy-header.js';
import {
  checkRange,
  checkWritable,
  type ReadVectorsOptions,
  resolveRange,
  type VectorData,
  type VectorFormat,
  type VectorRange,
  type WritableVectors,
} from './vectors.js';

const ARRAYS = {
  f2: Float32Array,
  f4: Float32Array,
  f8: Float32Array,
  i1: Int8Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u1: Uint8Array,
  u4: Uint32Array,
} satisfies Record<NpyType, new (length: number) => VectorData>;

const DESCRIPTIONS = new Map<unknown, string>([
  [Float32Array, '<f4'],
  [Int32Array, '<i4'],
  [Uint32Array, '<u4'],
  [Int8Array, '|i1'],
  [Uint8Array, '|u1'],
  [BigInt64Array, '<i8'],
]);
const WRITABLE = [...DESCRIPTIONS.keys()] as (new (length: number) => VectorData)[];

let halves: Float32Array | undefined;

/** The float32 value of every float16 bit pattern. */
function halfTable(): Float32Array {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const special = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    const finite = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halves[bits] = sign * (exponent === 31 ? special : finite);
  }
  return halves;
}

function convert(type: 'f2' | 'f8', bytes: Uint8Array, target: Float32Array): void {
  if (type === 'f8') {
    target.set(new Float64Array(bytes.buffer, 0, bytes.length / 8));
    return;
  }
  const table = halfTable();
  const bits = new Uint16Array(bytes.buffer, 0, bytes.length / 2);
  for (let i = 0; i < bits.length; i++) target[i] = table[bits[i]];
}

/** Reads numbers [start, start + target.length) that have another width in the file, slice by slice. */
async function readConverted(
  file: InputFile,
  { type, dataOffset }: NpyHeader,
  start: number,
  target: Float32Array,
): Promise<void> {
  const bytesEach = Number(type[1]);
  const sliceLength = SLICE_BYTES / bytesEach;
  const slice = new Uint8Array(Math.min(sliceLength, target.length) * bytesEach);
  for (let done = 0; done < target.length; done += sliceLength) {
    const length = Math.min(sliceLength, target.length - done);
    const bytes = slice.subarray(0, length * bytesEach);
    await file.read(bytes, dataOffset + (start + done) * bytesEach, 'the numbers');
    convert(type as 'f2' | 'f8', bytes, target.subarray(done, done + length));
  }
}

function read(where: string, path: string, options: ReadVectorsOptions): Promise<VectorRange> {
  checkPath(where, path);
  checkRange(where, options);
  return withInputFile(path, async (file) => {
    const header = await readNpyHeader(file);
    const { type, count: total, dimensions, dataOffset } = header;
    const { first, count } = resolveRange(path, options, total);
    const data = allocate<VectorData>(path, ARRAYS[type], count * dimensions);
    if (type === 'f2' || type === 'f8') await readConverted(file, header, first * dimensions, data as Float32Array);
    else await file.read(bytesOf(data), dataOffset + first * dimensions * Number(type[1]), 'the numbers');
    return { first, count, total, dimensions, data };
  });
}

function write(where: string, path: string, vectors: WritableVectors): Promise<void> {
  checkPath(where, path);
  const count = checkWritable(where, vectors, WRITABLE);
  const { data, dimensions } = vectors;
  const description = DESCRIPTIONS.get(WRITABLE.find((type) => data instanceof type)) as string;
  return writeAtomically(path, async (file) => {
    await file.append(npyHeader(description, count, dimensions));
    const bytes = bytesOf(data);
    for (let done = 0; done < bytes.length; done += SLICE_BYTES)
      await file.append(bytes.subarray(done, done + SLICE_BYTES));
  });
}

export const NPY: VectorFormat = { read, write };

/**
 * Reads a little-endian array in C order: f4, f8 and f2 as Float32Array (f8 loses precision), i4, u4, i1 and u1 as they
 * are, i8 as BigInt64Array. An array of one axis is read as rows of one number.
 */
export function readNpy(path: string, options: ReadVectorsOptions = {}): Promise<VectorRange> {
  return read('readNpy', path, options);
}

/** Writes an array of two axes, as `numpy.save` would; the file appears complete or not at all. */
export function writeNpy(path: string, vectors: WritableVectors): Promise<void> {
  return write('writeNpy', path, vectors);
}
