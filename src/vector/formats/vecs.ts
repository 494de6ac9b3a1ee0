// fvecs, ivecs and bvecs: each row is its dimension as int32, then that many float32, int32 or uint8, little-endian.

import { allocate, bytesOf } from '../../formats/bytes.js';
import { checkPath, type InputFile, SLICE_BYTES, withInputFile } from '../../formats/input-file.js';
import { type OutputFile, writeAtomically } from '../../runtime/atomic-file.js';
import {
  checkRange,
  checkWritable,
  type ReadVectorsOptions,
  resolveRange,
  type VectorFormat,
  type VectorRange,
  type WritableVectors,
} from './vectors.js';

type VecsData = Float32Array | Int32Array | Uint8Array;
type VecsType<Data extends VecsData> = { new (length: number): Data; readonly BYTES_PER_ELEMENT: number };

const HEADER_BYTES = 4;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The first row's dimension, known to fit the file. */
async function readDimensions(file: InputFile, elementBytes: number): Promise<number> {
  const header = new Uint8Array(HEADER_BYTES);
  await file.read(header, 0, 'the dimension of row 0');
  const dimensions = viewOf(header).getInt32(0, true);
  if (dimensions < 1) throw file.invalid(0, `expected a positive dimension of row 0, got ${dimensions}`);
  const rowBytes = HEADER_BYTES + dimensions * elementBytes;
  if (rowBytes > file.bytes) throw file.truncated(0, rowBytes, `row 0 with ${dimensions} dimensions`);
  return dimensions;
}

interface RowShape {
  readonly dimensions: number;
  readonly rowBytes: number;
}

/** Moves the rows of `slice`, which begin with row `first` of the file, to `target` without their dimensions. */
function takeRows(file: InputFile, slice: Uint8Array, target: Uint8Array, first: number, shape: RowShape): void {
  const { dimensions, rowBytes } = shape;
  const view = viewOf(slice);
  const bytes = rowBytes - HEADER_BYTES;
  for (let at = 0, row = 0; at < slice.length; at += rowBytes, row++) {
    const found = view.getInt32(at, true);
    if (found !== dimensions) {
      const offset = (first + row) * rowBytes;
      throw file.invalid(offset, `expected dimension ${dimensions} in row ${first + row} as in row 0, got ${found}`);
    }
    target.set(slice.subarray(at + HEADER_BYTES, at + rowBytes), row * bytes);
  }
}

function readVecs<Data extends VecsData>(
  where: string,
  path: string,
  options: ReadVectorsOptions,
  type: VecsType<Data>,
): Promise<VectorRange<Data>> {
  checkPath(where, path);
  checkRange(where, options);
  return withInputFile(path, async (file) => {
    const dimensions = await readDimensions(file, type.BYTES_PER_ELEMENT);
    const rowBytes = HEADER_BYTES + dimensions * type.BYTES_PER_ELEMENT;
    const total = Math.floor(file.bytes / rowBytes);
    const { first, count } = resolveRange(path, options, total);
    const data = allocate(path, type, count * dimensions);
    const target = bytesOf(data);
    const sliceRows = Math.max(1, Math.floor(SLICE_BYTES / rowBytes));
    const slice = new Uint8Array(Math.min(sliceRows, count) * rowBytes);
    for (let done = 0; done < count; done += sliceRows) {
      const rows = slice.subarray(0, Math.min(sliceRows, count - done) * rowBytes);
      await file.read(rows, (first + done) * rowBytes, `row ${first + done}`);
      takeRows(file, rows, target.subarray(done * (rowBytes - HEADER_BYTES)), first + done, { dimensions, rowBytes });
    }
    // Checked last: where a row has another dimension, that is the better explanation of an odd length.
    if (file.bytes % rowBytes !== 0) throw file.truncated(total * rowBytes, rowBytes, `row ${total}`);
    return { first, count, total, dimensions, data };
  });
}

async function appendRows(file: OutputFile, bytes: Uint8Array, dimensions: number, count: number): Promise<void> {
  const dataBytes = bytes.length / count;
  const rowBytes = HEADER_BYTES + dataBytes;
  const sliceRows = Math.max(1, Math.floor(SLICE_BYTES / rowBytes));
  for (let first = 0; first < count; first += sliceRows) {
    const rows = Math.min(sliceRows, count - first);
    const slice = new Uint8Array(rows * rowBytes);
    const view = viewOf(slice);
    for (let row = 0; row < rows; row++) {
      view.setInt32(row * rowBytes, dimensions, true);
      const from = (first + row) * dataBytes;
      slice.set(bytes.subarray(from, from + dataBytes), row * rowBytes + HEADER_BYTES);
    }
    await file.append(slice);
  }
}

function writeVecs<Data extends VecsData>(
  where: string,
  path: string,
  vectors: WritableVectors<Data>,
  type: VecsType<Data>,
): Promise<void> {
  checkPath(where, path);
  const count = checkWritable(where, vectors, [type]);
  if (count === 0) throw new RangeError(`${where}: data must not be empty, the format cannot hold zero rows`);
  return writeAtomically(path, (file) => appendRows(file, bytesOf(vectors.data), vectors.dimensions, count));
}

function vecsFormat<Data extends VecsData>(type: VecsType<Data>): VectorFormat<Data> {
  return {
    read: (where, path, options) => readVecs(where, path, options, type),
    write: (where, path, vectors) => writeVecs(where, path, vectors, type),
  };
}

export const FVECS: VectorFormat<Float32Array> = vecsFormat(Float32Array);
export const IVECS: VectorFormat<Int32Array> = vecsFormat(Int32Array);
export const BVECS: VectorFormat<Uint8Array> = vecsFormat(Uint8Array);

/** Reads float32 vectors. Rejects with `INVALID_FILE` where the file is truncated or its rows differ in dimension. */
export function readFvecs(path: string, options: ReadVectorsOptions = {}): Promise<VectorRange<Float32Array>> {
  return FVECS.read('readFvecs', path, options);
}

/** Reads int32 vectors, such as the ids of a ground truth. */
export function readIvecs(path: string, options: ReadVectorsOptions = {}): Promise<VectorRange<Int32Array>> {
  return IVECS.read('readIvecs', path, options);
}

/** Reads uint8 vectors. */
export function readBvecs(path: string, options: ReadVectorsOptions = {}): Promise<VectorRange<Uint8Array>> {
  return BVECS.read('readBvecs', path, options);
}

/** Writes float32 vectors; the file appears complete or not at all. */
export function writeFvecs(path: string, vectors: WritableVectors<Float32Array>): Promise<void> {
  return FVECS.write('writeFvecs', path, vectors);
}

/** Writes int32 vectors; the file appears complete or not at all. */
export function writeIvecs(path: string, vectors: WritableVectors<Int32Array>): Promise<void> {
  return IVECS.write('writeIvecs', path, vectors);
}

/** Writes uint8 vectors; the file appears complete or not at all. */
export function writeBvecs(path: string, vectors: WritableVectors<Uint8Array>): Promise<void> {
  return BVECS.write('writeBvecs', path, vectors);
}
