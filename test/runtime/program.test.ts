// Programs: hazards, order, steady memory, indirect grids, abort, timing.
import { expect, test } from 'vitest';
import type { Device, Program, Tensor } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';

const BLOCK = 2048;

/** An exclusive scan of `count` words as three dispatches, each of which needs the one before. */
async function scanProgram(device: Device, count: number): Promise<{ data: Tensor; program: Program }> {
  const blocks = Math.ceil(count / BLOCK);
  const data = device.tensor('u32', [count]);
  using totals = device.tensor('u32', [blocks]);
  using grandTotal = device.tensor('u32', [1]);
  const program = await device.record((recorder) => {
    recorder
      .dispatch('scan_blocks', { buffers: { data, totals }, params: { count }, grid: [blocks] })
      .dispatch('scan_blocks', { buffers: { data: totals, totals: grandTotal }, params: { count: blocks }, grid: [1] })
      .dispatch('scan_add', { buffers: { data, totals }, params: { count }, grid: [Math.ceil(count / 256)] });
  });
  return { data, program };
}

/** Sums each 4096 elements of `values`, `repeat` times over: the same work that takes longer. */
async function sumProgram(device: Device, values: Tensor, repeat = 1): Promise<{ sums: Tensor; program: Program }> {
  const count = values.length;
  const blocks = Math.ceil(count / 4096);
  const sums = device.tensor('f32', [blocks]);
  const program = await device.record((recorder) => {
    for (let i = 0; i < repeat; i++) {
      recorder.dispatch('sum_blocks', { buffers: { values, sums }, params: { count, rows: 1 }, grid: [blocks] });
    }
  });
  return { sums, program };
}

describeDevices('a program', (device, kind) => {
  test('orders dispatches by what they read and write', async () => {
    const count = 100_000;
    const { data, program } = await scanProgram(device(), count);
    const { outputs } = await program.run({ write: [[data, new Uint32Array(count).fill(3)]], read: [data] });
    expect(outputs[0].findIndex((value, i) => value !== 3 * i)).toBe(-1);
    data.dispose();
    program.dispose();
  });

  test('sees its own fills and copies', async () => {
    using a = device().tensor('u32', [1000]);
    using b = device().tensor('u32', [1000]);
    using program = await device().record((recorder) => {
      recorder.fill(a, 7).copy(a, b).fill(a, 0xffffffff).copy(a.slice(0, 4), b.slice(996, 4));
    });
    const { outputs } = await program.run({ read: [a, b] });
    expect(new Set(outputs[0])).toEqual(new Set([0xffffffff]));
    expect(outputs[1].slice(0, 996).every((value) => value === 7)).toBe(true);
    expect([...outputs[1].slice(996)]).toEqual(Array(4).fill(0xffffffff));
  });

  test('runs concurrent calls in their order', async () => {
    using values = device().tensor('f32', [4096]);
    const { sums, program } = await sumProgram(device(), values);
    const runs = Array.from({ length: 50 }, (_, i) =>
      program.run({ write: [[values, new Float32Array(4096).fill(i)]], read: [sums] }),
    );
    const settled: number[] = [];
    for (const [i, run] of runs.entries()) run.then(() => settled.push(i));
    const results = await Promise.all(runs);
    expect(results.map(({ outputs }) => outputs[0][0])).toEqual(Array.from({ length: 50 }, (_, i) => i * 4096));
    expect(settled).toEqual(Array.from({ length: 50 }, (_, i) => i));
    program.dispose();
    sums.dispose();
  });

  test('keeps order with a write that is copied in slices', async () => {
    using values = device().tensor('f32', [8_000_000]);
    const { sums, program } = await sumProgram(device(), values);
    const array = new Float32Array(values.length).fill(1);
    const [first, second] = await Promise.all([
      program.run({ write: [[values, array]], read: [sums] }),
      program.run({ write: [[values, new Float32Array([2])]], read: [sums] }),
    ]);
    expect([first.outputs[0][0], second.outputs[0][0]]).toEqual([4096, 4097]);
    program.dispose();
    sums.dispose();
  });

  test('allocates nothing in 10,000 runs after warm-up', async () => {
    using values = device().tensor('f32', [4096]);
    const { sums, program } = await sumProgram(device(), values);
    const input = new Float32Array(4096).fill(0.5);
    const burst = async () => {
      await Promise.all(Array.from({ length: 10 }, () => program.run({ write: [[values, input]], read: [sums] })));
    };
    for (let i = 0; i < 10; i++) await burst();
    const before = device().memory();
    for (let i = 0; i < 1000; i++) await burst();
    const after = device().memory();
    expect(after.allocations).toBe(before.allocations);
    expect(after.liveBytes).toBe(before.liveBytes);
    program.dispose();
    sums.dispose();
  });

  test('takes its grid from a tensor', async () => {
    using values = await device().tensorFrom(new Float32Array(3 * 4096).fill(1));
    using sums = await device().tensorFrom(new Float32Array(3).fill(-1));
    using grid = device().tensor('u32', [3]);
    using program = await device().record((recorder) => {
      const params = { count: values.length, rows: 1 };
      recorder.dispatch('sum_blocks', { buffers: { values, sums }, params, grid: { indirect: grid } });
    });
    const two = await program.run({ write: [[grid, new Uint32Array([2, 1, 1])]], read: [sums] });
    expect([...two.outputs[0]]).toEqual([4096, 4096, -1]);
    const three = await program.run({ write: [[grid, new Uint32Array([3, 1, 1])]], read: [sums] });
    expect([...three.outputs[0]]).toEqual([4096, 4096, 4096]);
  });

  test('binds a slice that begins at an aligned place', async () => {
    const step = device().info.bindingAlignment / 4;
    using all = await device().tensorFrom(new Float32Array(4 * step).map((_, i) => (i < step ? 100 : 1)));
    using part = all.slice(step, 2 * step);
    const { sums, program } = await sumProgram(device(), part);
    expect((await program.run({ read: [sums] })).outputs[0][0]).toBe(2 * step);
    program.dispose();
    sums.dispose();
  });

  test('fills arrays of the caller', async () => {
    using values = await device().tensorFrom(new Float32Array(4096).fill(2));
    const { sums, program } = await sumProgram(device(), values);
    const out = new Float32Array(1);
    const { outputs } = await program.run({ read: [sums, values], out: [out] });
    expect(outputs[0]).toBe(out);
    expect(out[0]).toBe(8192);
    expect(outputs[1]).toHaveLength(4096);
    program.dispose();
    sums.dispose();
  });

  test('times its commands when asked to', async () => {
    using values = device().tensor('f32', [4096]);
    const { sums, program } = await sumProgram(device(), values, 3);
    const { times } = await program.run({ timed: true });
    expect(times?.map(({ name }) => name)).toEqual(['sum_blocks', 'sum_blocks', 'sum_blocks']);
    for (const { beginMicros, endMicros } of times ?? []) expect(endMicros).toBeGreaterThanOrEqual(beginMicros);
    expect((await program.run()).times).toBeUndefined();
    program.dispose();
    sums.dispose();
  });

  test('an abort rejects with its reason at once, and the device goes on', async () => {
    using values = await device().tensorFrom(new Float32Array(1_000_000).fill(1));
    const { sums, program } = await sumProgram(device(), values, 20);
    const controller = new AbortController();
    let finished = false;
    const all = program.run().then(() => {
      finished = true;
    });
    const aborted = program.run({ read: [sums], signal: controller.signal });
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    expect(finished).toBe(false);
    await expect(program.run({ signal: controller.signal })).rejects.toBe(reason);
    await expect(values.read({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(values.write(new Float32Array(1), 0, { signal: controller.signal })).rejects.toBe(reason);
    await all;
    expect((await program.run({ read: [sums] })).outputs[0][0]).toBe(4096);
    program.dispose();
    sums.dispose();
  });

  test('keeps the memory of its tensors, and completes what is in flight when everything is disposed of', async () => {
    const own = await kind.open();
    const values = await own.tensorFrom(new Float32Array(1_000_000).fill(1));
    const { sums, program } = await sumProgram(own, values, 20);
    values.dispose();
    const runs = [program.run({ read: [sums] }), program.run({ read: [sums] })];
    sums.dispose();
    program.dispose();
    own.dispose();
    for (const { outputs } of await Promise.all(runs)) expect(outputs[0][0]).toBe(4096);
    const disposed = expect.objectContaining({ code: 'DISPOSED' });
    expect(() => program.run()).toThrow(disposed);
    expect(() => own.tensor('f32', [1])).toThrow(disposed);
    expect(() => own.memory()).toThrow(disposed);
    expect(() => own.record(() => undefined)).toThrow(disposed);
  });

  test('says what is wrong with the arguments of a run', async () => {
    using values = device().tensor('f32', [4096]);
    const { sums, program } = await sumProgram(device(), values);
    using other = await kind.open();
    using foreign = other.tensor('f32', [1]);
    const gone = device().tensor('f32', [1]);
    gone.dispose();
    const misuse: [() => unknown, string][] = [
      [() => program.run({ reads: [] } as never), "program.run: unknown option 'reads', did you mean 'read'?"],
      [() => program.run([] as never), 'program.run: options must be an object, got an array of 0'],
      [() => program.run({ read: sums as never }), 'read must be an array, got a Tensor'],
      [() => program.run({ read: [1 as never] }), 'read[0] must be a Tensor, got 1'],
      [() => program.run({ read: [foreign] }), 'read[0] must be a tensor of the same device, got one of another'],
      [() => program.run({ read: [gone] }), 'read[0] was disposed of'],
      [() => program.run({ read: [sums], out: [new Float32Array(2)] }), 'out[0] must have 1 elements, got 2'],
      [() => program.run({ out: [new Float32Array(2)] }), 'out must have at most 0 arrays as read has, got 1'],
      [() => program.run({ write: [[sums, new Float32Array(2)]] }), 'write[0][1] must have at most 1 elements, got 2'],
      [() => program.run({ write: [[sums, new Uint32Array(1)]] }), 'write[0][1] must be a Float32Array'],
      [() => program.run({ write: [sums as never] }), 'write[0] must be an array, got a Tensor'],
      [() => program.run({ timed: 1 as never }), 'timed must be true or false, got 1'],
    ];
    for (const [call, message] of misuse) expect(call).toThrow(message);
    program.dispose();
    sums.dispose();
  });
});
