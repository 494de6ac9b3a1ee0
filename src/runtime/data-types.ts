// Element types of tensors and the typed arrays that carry them.
import { describe } from './validate.js';

/** Element type of a tensor. `f16` travels as the bits in a Uint16Array. */
export type DataType = 'f32' | 'f16' | 'i32' | 'u32' | 'i8' | 'u8';

export type TypedArray = Float32Array | Int32Array | Uint32Array | Int8Array | Uint8Array | Uint16Array;

type TypedArrayConstructor = new (length: number) => TypedArray;

interface TypeInfo {
  readonly bytes: number;
  readonly array: TypedArrayConstructor;
  /** Number of the array type in Node-API. */
  readonly nativeArray: number;
}

export const DATA_TYPES: Readonly<Record<DataType, TypeInfo>> = {
  f32: { bytes: 4, array: Float32Array, nativeArray: 7 },
  f16: { bytes: 2, array: Uint16Array, nativeArray: 4 },
  i32: { bytes: 4, array: Int32Array, nativeArray: 5 },
  u32: { bytes: 4, array: Uint32Array, nativeArray: 6 },
  i8: { bytes: 1, array: Int8Array, nativeArray: 0 },
  u8: { bytes: 1, array: Uint8Array, nativeArray: 1 },
};

/** The type whose values this array holds, or undefined. */
export function dataTypeOf(array: unknown): DataType | undefined {
  return (Object.keys(DATA_TYPES) as DataType[]).find((type) => array instanceof DATA_TYPES[type].array);
}

/** `array` is the typed array of this element type, over memory that cannot shrink while it is in use. */
export function checkArray(where: string, name: string, array: unknown, type: DataType): TypedArray {
  const { array: expected } = DATA_TYPES[type];
  if (!(array instanceof expected)) {
    throw new TypeError(`${where}: ${name} must be a ${expected.name} (the tensor is ${type}), got ${describe(array)}`);
  }
  if ((array.buffer as { resizable?: boolean }).resizable) {
    throw new TypeError(`${where}: ${name} must not be over a resizable ArrayBuffer`);
  }
  return array;
}
