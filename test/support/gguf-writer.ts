// Writes GGUF files for tests and benchmarks: any metadata, any tensors, right or wrong on purpose.
import { GGUF_TYPE_NUMBERS, GGUF_TYPES } from '../../src/formats/gguf-types.js';

/** A value with the number of its type. */
export interface WrittenValue {
  readonly type: number;
  readonly bytes: Buffer;
}

export interface WrittenTensor {
  readonly name: string;
  /** Name of the type. */
  readonly type: string;
  /** Slowest side first. */
  readonly shape: readonly number[];
  /** Zeros without it. */
  readonly data?: Uint8Array;
}

export interface WrittenFile {
  readonly metadata: readonly (readonly [key: string, value: WrittenValue])[];
  readonly tensors: readonly WrittenTensor[];
  readonly version?: number;
  readonly alignment?: number;
}

function little(bytes: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes);
  write(buffer);
  return buffer;
}

const word = (value: number) => little(4, (buffer) => buffer.writeUInt32LE(value));
const long = (value: number | bigint) => little(8, (buffer) => buffer.writeBigUInt64LE(BigInt(value)));
export const text = (value: string): Buffer => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);

const list = (type: number, count: number, items: Uint8Array): WrittenValue => ({
  type: 9,
  bytes: Buffer.concat([word(type), long(count), items]),
});
const bytesOf = (data: Float32Array | Int32Array | Uint8Array) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

export const u32 = (value: number): WrittenValue => ({ type: 4, bytes: word(value) });
export const u64 = (value: bigint): WrittenValue => ({ type: 10, bytes: long(value) });
export const f32 = (value: number): WrittenValue => ({
  type: 6,
  bytes: little(4, (buffer) => buffer.writeFloatLE(value)),
});
export const bool = (value: boolean): WrittenValue => ({ type: 7, bytes: Buffer.from([value ? 1 : 0]) });
export const string = (value: string): WrittenValue => ({ type: 8, bytes: text(value) });
export const f32s = (values: readonly number[]) => list(6, values.length, bytesOf(Float32Array.from(values)));
export const i32s = (values: readonly number[]) => list(5, values.length, bytesOf(Int32Array.from(values)));
export const bools = (values: readonly boolean[]) => list(7, values.length, Uint8Array.from(values, Number));
export const strings = (values: readonly string[]) => list(8, values.length, Buffer.concat(values.map(text)));

export function tensorBytes({ type, shape }: WrittenTensor): number {
  const { blockSize, blockBytes } = GGUF_TYPES.get(GGUF_TYPE_NUMBERS.get(type) as number)!;
  return (shape.reduce((product, side) => product * side, 1) / blockSize) * blockBytes;
}

export const aligned = (bytes: number, alignment: number): number => Math.ceil(bytes / alignment) * alignment;

/** Everything before the first tensor, which comes right behind it; each tensor then begins at a multiple of `alignment`. */
export function ggufHeader({ metadata, tensors, version = 3, alignment = 32 }: WrittenFile): Buffer {
  const parts = [Buffer.from('GGUF'), word(version), long(tensors.length), long(metadata.length)];
  for (const [key, { type, bytes }] of metadata) parts.push(text(key), word(type), bytes);
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(text(tensor.name), word(tensor.shape.length), ...[...tensor.shape].reverse().map(long));
    parts.push(word(GGUF_TYPE_NUMBERS.get(tensor.type) as number), long(offset));
    offset = aligned(offset + tensorBytes(tensor), alignment);
  }
  const header = Buffer.concat(parts);
  return Buffer.concat([header, Buffer.alloc(aligned(header.length, alignment) - header.length)]);
}

/** The whole file. */
export function ggufFile(file: WrittenFile): Buffer {
  const parts: Uint8Array[] = [ggufHeader(file)];
  for (const tensor of file.tensors) {
    const bytes = Buffer.alloc(aligned(tensorBytes(tensor), file.alignment ?? 32));
    if (tensor.data) bytes.set(tensor.data);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
