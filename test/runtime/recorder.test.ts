// What recording says about wrong kernels, buffers, parameters, constants and grids.
import { expect, test } from 'vitest';
import type { DispatchCall, Recorder, Tensor } from '../../src/index.js';
import { describeDevices } from '../support/devices.js';

type SumCall = DispatchCall<'sum_blocks'>;

describeDevices('a recorder', (device, kind) => {
  function sumCall(values: Tensor, sums: Tensor, changes: object = {}): SumCall {
    return { buffers: { values, sums }, params: { count: 4096, rows: 1 }, grid: [1], ...changes };
  }

  const recording = (build: (recorder: Recorder) => void) => () => device().record(build);

  test('checks a dispatch against its kernel and its device', async () => {
    using values = device().tensor('f32', [4096]);
    using sums = device().tensor('f32', [1]);
    using words = device().tensor('u32', [1]);
    using bytes = device().tensor('u8', [3]);
    using other = await kind.open();
    using foreign = other.tensor('f32', [1]);
    const gone = device().tensor('f32', [1]);
    gone.dispose();
    const { maxGrid, bindingAlignment } = device().info;
    const misuse: [object, string][] = [
      [{ buffers: { values } }, 'sum_blocks: buffers.sums must be a Tensor, got undefined'],
      [{ buffers: { values, sums, sumz: sums } }, "sum_blocks: there is no buffer 'sumz', did you mean 'sums'?"],
      [{ buffers: undefined }, 'sum_blocks: buffers must be an object, got undefined'],
      [{ buffers: { values, sums: words } }, 'buffers.sums must be a tensor of f32, got u32'],
      [{ buffers: { values, sums: foreign } }, 'buffers.sums must be a tensor of the same device, got one of another'],
      [{ buffers: { values, sums: gone } }, 'buffers.sums was disposed of'],
      [
        { buffers: { values: values.slice(1, 8), sums } },
        `buffers.values must begin at a multiple of ${bindingAlignment} bytes`,
      ],
      [{ params: { count: 4096 } }, 'sum_blocks: params.rows must be an integer from 0 to 4294967295, got undefined'],
      [{ params: { count: 1, row: 1 } }, "sum_blocks: there is no param 'row', did you mean 'rows'?"],
      [{ params: { count: -1, rows: 1 } }, 'params.count must be an integer from 0 to 4294967295, got -1'],
      [{ params: { count: 1.5, rows: 1 } }, 'params.count must be an integer from 0 to 4294967295, got 1.5'],
      [{ params: { count: '1', rows: 1 } }, "params.count must be an integer from 0 to 4294967295, got '1'"],
      [{ constants: { metric: 1 } }, "sum_blocks: there is no constant 'metric'"],
      [{ grid: [0] }, `grid[0] must be an integer from 1 to ${maxGrid[0]}, got 0`],
      [{ grid: [1, maxGrid[1] + 1] }, `grid[1] must be an integer from 1 to ${maxGrid[1]}, got ${maxGrid[1] + 1}`],
      [{ grid: [1, 1, 1, 1] }, 'grid must have 1 to 3 sides, got 4'],
      [{ grid: 4 }, 'grid must be [x, y?, z?] or { indirect: tensor }, got 4'],
      [{ grid: { indirect: sums } }, 'grid.indirect must be a u32 tensor of at least 3, got f32 of 1'],
      [{ grid: { indirekt: sums } }, 'grid must be [x, y?, z?] or { indirect: tensor }, got an object'],
      [{ gird: [1] }, "sum_blocks: unknown option 'gird', did you mean 'grid'?"],
    ];
    for (const [changes, message] of misuse) {
      const build = (recorder: Recorder) => recorder.dispatch('sum_blocks', sumCall(values, sums, changes));
      expect(
        recording((recorder) => void build(recorder)),
        message,
      ).toThrow(message);
    }
    const undescribed = (call: unknown) => recording((recorder) => void recorder.dispatch('sum_blocks', call as never));
    expect(undescribed(undefined)).toThrow(new TypeError('sum_blocks: call must be an object, got undefined'));
    expect(undescribed(null)).toThrow(new TypeError('sum_blocks: call must be an object, got null'));
    const partial = { packed: bytes as Tensor, norms: sums };
    expect(
      recording((recorder) => {
        recorder.dispatch('row_norms', {
          buffers: partial,
          params: { rows: 1, chunks: 1, subspaceChunks: 1 },
          grid: [1],
        });
      }),
    ).toThrow('row_norms: buffers.packed must be a tensor of f32, got u8');
    using odd = device().tensor('f32', [6]);
    expect(
      recording((recorder) => {
        const buffers = { packed: odd, norms: sums };
        recorder.dispatch('row_norms', { buffers, params: { rows: 1, chunks: 1, subspaceChunks: 1 }, grid: [1] });
      }),
    ).toThrow('buffers.packed must have a multiple of 16 bytes, got 24');
  });

  test('knows the kernels and guesses which was meant', () => {
    const wrong = (name: unknown) => recording((recorder) => void recorder.dispatch(name as never, {} as never));
    expect(wrong('sum_block')).toThrow(
      "kernel must be the name of a kernel, got 'sum_block', did you mean 'sum_blocks'?",
    );
    expect(wrong('toString')).toThrow("kernel must be the name of a kernel, got 'toString'");
    expect(wrong(undefined)).toThrow('kernel must be the name of a kernel, got undefined');
  });

  test('keeps bindings under the limit of the device', async () => {
    using small = await kind.open({ maxBindingBytes: 1024 });
    expect(small.info.maxBindingBytes).toBe(1024);
    using values = small.tensor('f32', [4096]);
    using sums = small.tensor('f32', [1]);
    expect(() => small.record((recorder) => void recorder.dispatch('sum_blocks', sumCall(values, sums)))).toThrow(
      'buffers.values must have at most 1024 bytes (device.info.maxBindingBytes), got 16384',
    );
  });

  test('checks fills and copies', () => {
    using a = device().tensor('f32', [8]);
    using b = device().tensor('f32', [4]);
    using odd = device().tensor('u8', [5]);
    const misuse: [(recorder: Recorder) => void, string][] = [
      [(recorder) => recorder.fill(a, -1), 'recorder.fill: value must be an integer from 0 to 4294967295, got -1'],
      [(recorder) => recorder.fill(odd, 0), 'tensor must begin and end at multiples of 4 bytes, got offset 0, bytes 5'],
      [(recorder) => recorder.fill(1 as never, 0), 'recorder.fill: tensor must be a Tensor, got 1'],
      [(recorder) => recorder.copy(a, b), 'recorder.copy: to must have 32 bytes as from has, got 16'],
      [(recorder) => recorder.copy(a.slice(0, 4), a.slice(2, 4)), 'from and to must not overlap'],
    ];
    for (const [build, message] of misuse) expect(recording(build)).toThrow(message);
  });

  test('is for use during the recording only', async () => {
    using values = device().tensor('f32', [4096]);
    using sums = device().tensor('f32', [1]);
    let kept: Recorder | undefined;
    using program = await device().record((recorder) => {
      kept = recorder.dispatch('sum_blocks', sumCall(values, sums));
    });
    expect(() => kept?.fill(values, 0)).toThrow('recorder.fill: the program was already recorded');
    expect(() => device().record(() => undefined)).toThrow('build must record at least one command, got none');
    expect(() => device().record(async () => undefined)).toThrow('got a function that returns a promise');
    expect(() => device().record(1 as never)).toThrow('device.record: build must be a function, got 1');
    await program.run();
  });

  test('lets an error of the recording function through', () => {
    const error = new Error('mine');
    expect(
      recording(() => {
        throw error;
      }),
    ).toThrow(error);
  });

  test('takes nothing more when the recording function has failed', () => {
    using values = device().tensor('f32', [4]);
    let kept: Recorder | undefined;
    const failing = recording((recorder) => {
      kept = recorder.fill(values, 0);
      throw new Error('mine');
    });
    expect(failing).toThrow('mine');
    expect(() => kept?.fill(values, 0)).toThrow('recorder.fill: the program was already recorded');
  });
});
