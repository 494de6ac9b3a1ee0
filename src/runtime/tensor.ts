// Tensor: typed, shaped device memory, or a view on a part of it.
import './dispose-symbol.js';
import { constants } from 'node:buffer';
import { type AbortOptions, abortable } from './abort.js';
import { checkToken, TOKEN, type Token } from './construction.js';
import { checkArray, DATA_TYPES, type DataType, type TypedArray } from './data-types.js';
import type { Device } from './device.js';
import { ComputeError, calling } from './errors.js';
import type { NativeBuffer } from './native.js';
import type { Range, Session } from './session.js';
import { checkInteger, checkRunOptions, describe } from './validate.js';

export type { DataType, TypedArray } from './data-types.js';

export interface TensorReadOptions extends AbortOptions {
  /** First element; 0 by default. */
  offset?: number | undefined;
  /** Elements; up to the end by default. */
  length?: number | undefined;
  /** Filled and returned instead of a new array; must have `length` elements. */
  out?: TypedArray | undefined;
}

/** Memory that a tensor and its slices share; freed with the tensor. */
interface Storage {
  readonly session: Session;
  readonly buffer: NativeBuffer;
  freed: boolean;
}

interface TensorParts {
  readonly device: Device;
  readonly storage: Storage;
  readonly isSlice?: boolean;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly byteOffset: number;
}

export const lengthOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

export function checkShape(where: string, shape: unknown): readonly number[] {
  if (!Array.isArray(shape))
    throw new TypeError(`${where}: shape must be an array of integers, got ${describe(shape)}`);
  for (const [axis, side] of shape.entries()) {
    checkInteger(where, `shape[${axis}]`, side, { min: 1, max: Number.MAX_SAFE_INTEGER });
  }
  if (lengthOf(shape) > Number.MAX_SAFE_INTEGER / 4) {
    throw new RangeError(`${where}: shape must have fewer than 2^51 elements, got ${shape.join(' x ')}`);
  }
  return Object.freeze([...shape]);
}

/** For the runtime itself. */
export let allocateTensor: (device: Device, session: Session, type: DataType, shape: readonly number[]) => Tensor;
export let sessionOf: (tensor: Tensor) => Session;
/** The memory of a tensor that `checkTensor` has seen. */
export let rangeOf: (tensor: Tensor) => Range;

/**
 * Typed, shaped memory of a device. Made by `device.tensor` and `device.tensorFrom`.
 *
 * Disposal is safe at any time: programs that were recorded with a tensor keep its memory. A tensor that is not
 * disposed of goes with the garbage collector, which cannot see how full the device is.
 *
 * @example
 * using points = await device.tensorFrom(new Float32Array([1, 2, 3, 4]), [2, 2]);
 * const values = await points.read(); // Float32Array [1, 2, 3, 4]
 */
export class Tensor implements Disposable {
  readonly device: Device;
  readonly type: DataType;
  readonly shape: readonly number[];
  /** Elements. */
  readonly length: number;
  readonly bytes: number;
  /** Where it begins in the memory that it shares with the tensor it is a slice of. */
  readonly byteOffset: number;
  readonly #storage: Storage;
  readonly #isSlice: boolean;
  #disposed = false;

  static {
    allocateTensor = (device, session, type, shape) => {
      const bytes = lengthOf(shape) * DATA_TYPES[type].bytes;
      const buffer = calling(`device.tensor: ${type} of ${shape.join(' x ') || '1'}`, () =>
        session.native.allocate(session.handle, bytes),
      );
      return new Tensor(TOKEN, { device, storage: { session, buffer, freed: false }, type, shape, byteOffset: 0 });
    };
    sessionOf = (tensor) => tensor.#storage.session;
    rangeOf = (tensor) => ({ buffer: tensor.#storage.buffer, offset: tensor.byteOffset, bytes: tensor.bytes });
  }

  private constructor(token: Token, parts: TensorParts) {
    checkToken(token, 'Tensor', 'device.tensor or device.tensorFrom');
    const { device, storage, type, shape, byteOffset, isSlice = false } = parts;
    this.device = device;
    this.type = type;
    this.shape = shape;
    this.length = lengthOf(shape);
    this.bytes = this.length * DATA_TYPES[type].bytes;
    this.byteOffset = byteOffset;
    this.#storage = storage;
    this.#isSlice = isSlice;
  }

  get disposed(): boolean {
    return this.#disposed || this.#storage.freed;
  }

  /**
   * Copies `array` to the elements from `offset` (an element number) on. What was asked of the device before comes
   * before, what is asked later sees the new contents. Up to about a megabyte the array is free again at once; a larger
   * one must neither change nor be transferred before the promise settles.
   */
  write(array: TypedArray, offset = 0, options: AbortOptions = {}): Promise<void> {
    const where = 'tensor.write';
    const session = this.#check(where);
    checkRunOptions(where, options, ['signal']);
    const source = checkArray(where, 'array', array, this.type);
    checkInteger(where, 'offset', offset, { min: 0, max: this.length });
    if (source.length > this.length - offset) {
      throw new RangeError(
        `${where}: array must have at most ${this.length - offset} elements from offset ${offset}, got ${source.length}`,
      );
    }
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    if (source.length === 0) return Promise.resolve();
    const writes = [source, this.#storage.buffer, this.byteOffset + offset * DATA_TYPES[this.type].bytes];
    const work = session.run(where, { program: null, writes, readbacks: [], timed: false });
    return abortable(
      work.then(() => undefined),
      options.signal,
    );
  }

  /**
   * The contents, after everything that was asked of the device before. Large results are arrays over pooled memory,
   * which goes back to the pool when the array is collected.
   */
  read(options: TensorReadOptions = {}): Promise<TypedArray> {
    const where = 'tensor.read';
    const session = this.#check(where);
    checkRunOptions(where, options, ['offset', 'length', 'out', 'signal']);
    const { offset = 0, out, signal } = options;
    checkInteger(where, 'offset', offset, { min: 0, max: this.length });
    const length = options.length ?? this.length - offset;
    checkInteger(where, 'length', length, { min: 0, max: this.length - offset });
    checkReadable(where, 'out', { type: this.type, length }, out);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { bytes, nativeArray, array } = DATA_TYPES[this.type];
    if (length === 0) return Promise.resolve(out ?? new array(0));
    const readbacks = [this.#storage.buffer, this.byteOffset + offset * bytes, length * bytes, nativeArray, out];
    const work = session.run(where, { program: null, writes: [], readbacks, timed: false });
    return abortable(
      work.then((result) => result.outputs[0]),
      signal,
    );
  }

  /**
   * A view on `length` elements from `offset` on, sharing this tensor's memory for as long as that lives. To be bound
   * to a kernel it must begin at a multiple of `device.info.bindingAlignment` bytes.
   */
  slice(offset: number, length: number): Tensor {
    const where = 'tensor.slice';
    this.#check(where);
    checkInteger(where, 'offset', offset, { min: 0, max: this.length - 1 });
    checkInteger(where, 'length', length, { min: 1, max: this.length - offset });
    return new Tensor(TOKEN, {
      device: this.device,
      storage: this.#storage,
      type: this.type,
      shape: Object.freeze([length]),
      byteOffset: this.byteOffset + offset * DATA_TYPES[this.type].bytes,
      isSlice: true,
    });
  }

  /** Gives the memory back once the programs that use it are gone. A slice owns none: it ends with its tensor. */
  dispose(): void {
    if (this.disposed) return;
    this.#disposed = true;
    if (this.#isSlice) return;
    this.#storage.freed = true;
    this.#storage.session.native.freeBuffer(this.#storage.buffer);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #check(where: string): Session {
    if (this.disposed) throw new ComputeError('DISPOSED', `${where}: the tensor was disposed of`);
    this.#storage.session.check(where);
    return this.#storage.session;
  }
}

/** A tensor that can be used, of this session's device where one is given. */
export function checkTensor(where: string, name: string, value: unknown, session?: Session): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new TypeError(`${where}: ${name} must be a Tensor, got ${describe(value)}`);
  if (session && sessionOf(value) !== session) {
    throw new TypeError(`${where}: ${name} must be a tensor of the same device, got one of another`);
  }
  if (value.disposed) throw new ComputeError('DISPOSED', `${where}: ${name} was disposed of`);
}

/** A new array can hold it, or `out` is the array for it. */
export function checkReadable(
  where: string,
  name: string,
  { type, length }: { type: DataType; length: number },
  out: unknown,
): void {
  if (out === undefined) {
    const most = Math.floor(constants.MAX_LENGTH / DATA_TYPES[type].bytes);
    if (length <= most) return;
    throw new RangeError(`${where}: length must be at most ${most} elements of ${type} in one read, got ${length}`);
  }
  const array = checkArray(where, name, out, type);
  if (array.length !== length) {
    throw new RangeError(`${where}: ${name} must have ${length} elements, got ${array.length}`);
  }
}
