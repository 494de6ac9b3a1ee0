// Tensors: what goes in comes out, views, ranges, disposal, and what misuse says.
import { expect, test } from 'vitest';
import type { DataType, TypedArray } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';

const SAMPLES: readonly (readonly [DataType, TypedArray])[] = [
  ['f32', new Float32Array([0, -0, 1.5, Number.NaN, Infinity, 1e-40])],
  ['f16', new Uint16Array([0x3c00, 0xbc00, 0x7e00, 1])],
  ['i32', new Int32Array([-1, 0x7fffffff, -0x80000000])],
  ['u32', new Uint32Array([0, 1, 0xffffffff])],
  ['i8', new Int8Array([-128, -1, 127])],
  ['u8', new Uint8Array([0, 1, 255, 7, 9])],
];

const counting = (length: number) => Float32Array.from({ length }, (_, i) => i);

describeDevices('a tensor', (device) => {
  test.each(SAMPLES)('of %s gives back the bits that were put in', async (type, array) => {
    using tensor = await device().tensorFrom(array);
    expect(tensor.type).toBe(type);
    expect(tensor.shape).toEqual([array.length]);
    const read = await tensor.read();
    expect(read.constructor).toBe(array.constructor);
    expect(new Uint8Array(read.buffer)).toEqual(new Uint8Array(array.buffer));
  });

  test.each([1, 1000, 16 * 1024, 16 * 1024 + 1, 300_000, 12_000_000])('of %i floats round-trips', async (length) => {
    const array = counting(length);
    using tensor = await device().tensorFrom(array);
    const read = await tensor.read();
    expect(Buffer.from(read.buffer, read.byteOffset, read.byteLength).equals(Buffer.from(array.buffer))).toBe(true);
  });

  test('has a shape, a length and a size', () => {
    using tensor = device().tensor('f16', [3, 5]);
    expect(tensor).toMatchObject({ type: 'f16', shape: [3, 5], length: 15, bytes: 30, disposed: false });
    expect(tensor.device).toBe(device());
    using scalar = device().tensor('u8', []);
    expect(scalar.length).toBe(1);
  });

  test('takes writes in the order in which they were asked for, large and small', async () => {
    const large = new Float32Array(5_000_000).fill(1);
    using tensor = device().tensor('f32', [large.length]);
    const writes = [tensor.write(large), tensor.write(new Float32Array([2, 3]), 4)];
    const read = await tensor.read({ length: 8 });
    expect([...read]).toEqual([1, 1, 1, 1, 2, 3, 1, 1]);
    await Promise.all(writes);
  });

  test('has a small array copied before write returns', async () => {
    const array = new Float32Array([1, 2]);
    using tensor = device().tensor('f32', [2]);
    const written = tensor.write(array);
    array.fill(9);
    await written;
    expect([...(await tensor.read())]).toEqual([1, 2]);
  });

  test('reads a range, also into an array of the caller', async () => {
    using tensor = await device().tensorFrom(counting(100));
    expect([...(await tensor.read({ offset: 97 }))]).toEqual([97, 98, 99]);
    expect([...(await tensor.read({ offset: 5, length: 2 }))]).toEqual([5, 6]);
    const out = new Float32Array(3);
    expect(await tensor.read({ offset: 10, length: 3, out })).toBe(out);
    expect([...out]).toEqual([10, 11, 12]);
    expect((await tensor.read({ offset: 100 })).length).toBe(0);
  });

  test('fills a large array of the caller completely', async () => {
    const array = counting(3_000_001);
    using tensor = await device().tensorFrom(array);
    const out = new Float32Array(array.length);
    await tensor.read({ out });
    expect(Buffer.from(out.buffer).equals(Buffer.from(array.buffer))).toBe(true);
  });

  test('rejects a read whose array was transferred away meanwhile', async () => {
    using tensor = await device().tensorFrom(counting(3_000_000));
    const out = new Float32Array(tensor.length);
    const read = tensor.read({ out });
    structuredClone(out.buffer, { transfer: [out.buffer] });
    await expect(read).rejects.toThrow('out was detached while it was being filled');
  });

  test('and its slices are views on the same memory', async () => {
    using tensor = await device().tensorFrom(counting(256));
    using middle = tensor.slice(64, 128);
    using inner = middle.slice(64, 4);
    expect(inner.byteOffset).toBe(512);
    expect([...(await inner.read())]).toEqual([128, 129, 130, 131]);
    await inner.write(new Float32Array([-1]), 1);
    expect((await tensor.read())[129]).toBe(-1);
  });

  test('takes its slices along when it is disposed of, and not the other way round', async () => {
    const tensor = await device().tensorFrom(Float32Array.from({ length: 100 }, (_, i) => i));
    const [first, second] = [tensor.slice(10, 5), tensor.slice(20, 5)];
    first.dispose();
    expect([...(await second.read())]).toEqual([20, 21, 22, 23, 24]);
    expect(() => first.read()).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
    tensor.dispose();
    expect(second.disposed).toBe(true);
    expect(() => second.read()).toThrow(expect.objectContaining({ code: 'DISPOSED' }));
  });

  test('is not usable after disposal, which may be repeated', () => {
    const tensor = device().tensor('f32', [4]);
    tensor.dispose();
    tensor.dispose();
    expect(tensor.disposed).toBe(true);
    const disposed = expect.objectContaining({ code: 'DISPOSED' });
    expect(() => tensor.read()).toThrow(disposed);
    expect(() => tensor.write(new Float32Array(4))).toThrow(disposed);
    expect(() => tensor.slice(0, 1)).toThrow(disposed);
  });

  test('says what is wrong with its arguments', () => {
    using tensor = device().tensor('f32', [4]);
    const misuse: [() => unknown, string][] = [
      [
        () => device().tensor('f64' as DataType, [1]),
        "device.tensor: type must be one of 'f32', 'f16', 'i32', 'u32', 'i8', 'u8', got 'f64', did you mean",
      ],
      [() => device().tensor('f32', 4 as never), 'device.tensor: shape must be an array of integers, got 4'],
      [() => device().tensor('f32', [2, 0]), 'device.tensor: shape[1] must be an integer from 1 to'],
      [() => device().tensor('f32', [2 ** 30, 2 ** 30]), 'shape must have fewer than 2^51 elements'],
      [
        () => device().tensorFrom(new Float64Array(2) as never),
        'device.tensorFrom: array must be a typed array of 8 to 32 bits, got a Float64Array of 2',
      ],
      [() => device().tensorFrom(new Float32Array(4), [3]), 'array must have 3 elements for its shape, got 4'],
      [
        () => tensor.write([1, 2] as never),
        'tensor.write: array must be a Float32Array (the tensor is f32), got an array of 2',
      ],
      [
        () => tensor.write(new Uint32Array(4)),
        'array must be a Float32Array (the tensor is f32), got a Uint32Array of 4',
      ],
      [() => tensor.write(new Float32Array(4), 1), 'array must have at most 3 elements from offset 1, got 4'],
      [() => tensor.write(new Float32Array(1), -1), 'offset must be an integer from 0 to 4, got -1'],
      [() => tensor.read({ offset: 1.5 }), 'tensor.read: offset must be an integer from 0 to 4, got 1.5'],
      [() => tensor.read({ lenght: 2 } as never), "tensor.read: unknown option 'lenght', did you mean 'length'?"],
      [() => tensor.read({ length: 5 }), 'length must be an integer from 0 to 4, got 5'],
      [() => tensor.read(null as never), 'tensor.read: options must be an object, got null'],
      [() => tensor.write(new Float32Array(1), 0, null as never), 'tensor.write: options must be an object, got null'],
      [() => tensor.read({ out: new Float32Array(3) }), 'out must have 4 elements, got 3'],
      [() => tensor.read({ signal: 1 as never }), 'signal must be an AbortSignal, got 1'],
      [() => tensor.slice(4, 1), 'tensor.slice: offset must be an integer from 0 to 3, got 4'],
      [() => tensor.slice(1, 4), 'length must be an integer from 1 to 3, got 4'],
    ];
    for (const [call, message] of misuse) expect(call).toThrow(message);
  });

  test('does not take an array that may shrink under it', () => {
    using tensor = device().tensor('u8', [8]);
    const buffer = new (ArrayBuffer as never as { new (bytes: number, options: object): ArrayBuffer })(8, {
      maxByteLength: 16,
    });
    expect(() => tensor.write(new Uint8Array(buffer))).toThrow('must not be over a resizable ArrayBuffer');
  });
});
