// Vectors as users give them, checked before anything is done with them.
import { type Device, sessionOfDevice } from '../runtime/device.js';
import { checkTensor, type DataType, Tensor } from '../runtime/tensor.js';
import { describe } from '../runtime/validate.js';

/**
 * Row-major numbers on the host, or an f32 tensor on the same device: of one side, or of several, of which the last
 * one is a vector's dimensions. An array must not change before the promise of the call settles.
 */
export type VectorInput = Float32Array | Tensor;

/** Checks that a tensor can be used on a device, and is of the type. */
export function checkTensorOf(
  where: string,
  name: string,
  value: unknown,
  { device, type }: { readonly device: Device; readonly type: DataType },
): asserts value is Tensor {
  checkTensor(where, name, value, sessionOfDevice(device));
  if (value.type !== type)
    throw new TypeError(`${where}: ${name} must be a Tensor of ${type}, got one of ${value.type}`);
}

/** Checks that vectors can be used on a device, and returns how many there are. */
export function countVectors(
  where: string,
  name: string,
  vectors: VectorInput,
  { device, dimensions }: { readonly device: Device; readonly dimensions: number },
): number {
  if (vectors instanceof Tensor) {
    checkTensorOf(where, name, vectors, { device, type: 'f32' });
    const { shape } = vectors;
    if (shape.length > 1 && shape.at(-1) !== dimensions)
      throw new RangeError(
        `${where}: ${name} must have vectors of ${dimensions} dimensions, got a shape of ${shape.join(' x ')}`,
      );
  } else if (!(vectors instanceof Float32Array))
    throw new TypeError(`${where}: ${name} must be a Float32Array or an f32 Tensor, got ${describe(vectors)}`);
  if (vectors.length === 0) throw new RangeError(`${where}: ${name} must not be empty`);
  if (vectors.length % dimensions !== 0)
    throw new RangeError(
      `${where}: ${name} must hold whole vectors of ${dimensions} dimensions, got ${vectors.length} numbers`,
    );
  return vectors.length / dimensions;
}
