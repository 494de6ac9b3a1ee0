// A full device is an error to act on, and what is freed is used again.
import { expect, test } from 'vitest';
import { describeDevices } from '../support/devices.js';

const MIB = 1024 * 1024;
const outOfMemory = expect.objectContaining({ name: 'ComputeError', code: 'OUT_OF_MEMORY' });

describeDevices('memory', (device, kind) => {
  test('beyond memoryLimitBytes is an error that leaves the device usable', async () => {
    using limited = await kind.open({ memoryLimitBytes: 8 * MIB });
    using first = limited.tensor('u8', [4 * MIB]);
    expect(() => limited.tensor('u8', [16 * MIB])).toThrow(outOfMemory);
    expect(() => limited.tensor('u8', [6 * MIB])).toThrow(outOfMemory);
    await first.write(new Uint8Array(100).fill(5));
    expect((await first.read({ length: 100 }))[99]).toBe(5);
    first.dispose();
    using second = limited.tensor('u8', [6 * MIB]);
    expect(second.length).toBe(6 * MIB);
  });

  test('of an absurd size is an error, and the device works on', async () => {
    const before = device().memory();
    for (const elements of [2 ** 40, 2 ** 45]) expect(() => device().tensor('f32', [elements])).toThrow(outOfMemory);
    expect(device().memory().liveBytes).toBe(before.liveBytes);
    using tensor = await device().tensorFrom(new Uint32Array([42]));
    expect((await tensor.read())[0]).toBe(42);
  });

  test('that staging cannot have rejects the transfer', async () => {
    using limited = await kind.open({ memoryLimitBytes: 4 * MIB });
    using tensor = limited.tensor('u8', [3 * MIB]);
    await expect(tensor.read()).rejects.toThrow(outOfMemory);
    // Metal shares its memory with the host, which writes where nothing is under way without staging.
    if (kind.backend === 'metal') await tensor.write(new Uint8Array(3 * MIB));
    else await expect(tensor.write(new Uint8Array(3 * MIB))).rejects.toThrow(outOfMemory);
    await tensor.write(new Uint8Array([1, 2, 3]));
    expect([...(await tensor.read({ length: 3 }))]).toEqual([1, 2, 3]);
  });

  test('is written in the order of the calls, whether the device uses it meanwhile or not', async () => {
    const count = 1 << 20;
    using tensor = device().tensor('u32', [count]);
    const written = Array.from({ length: 6 }, (_, i) => new Uint32Array(count).fill(i));
    const reads = written.map(async (values) => {
      const write = tensor.write(values);
      const read = tensor.read();
      await write;
      return read;
    });
    for (const [i, values] of (await Promise.all(reads)).entries())
      expect(values.every((value) => value === i)).toBe(true);
  });

  test('of disposed tensors is pooled, reused, and given back on request', async () => {
    using own = await kind.open();
    own.tensor('f32', [100_000]).dispose();
    const { allocations, pooledBytes, liveBytes } = own.memory();
    expect(liveBytes).toBe(0);
    expect(pooledBytes).toBeGreaterThanOrEqual(400_000);
    own.tensor('f32', [100_000]).dispose();
    expect(own.memory().allocations).toBe(allocations);
    own.releasePools();
    expect(own.memory()).toMatchObject({ pooledBytes: 0, liveBytes: 0 });
    expect(own.memory().peakBytes).toBeGreaterThanOrEqual(400_000);
  });
});
