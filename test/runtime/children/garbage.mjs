// The native functions assert what TypeScript has checked: any argument gives an error, none a crash.
import { native } from '../../../dist/runtime/native.js';
import { backend, check } from './job.mjs';

const addon = native();
const options = { memoryLimitBytes: 0, maxBindingBytes: 0, threads: 0, validation: false, cacheFolder: '' };
const { device } = await addon.open(backend, 0, options);
const other = (await addon.open(backend, 0, options)).device;
const buffer = addon.allocate(device, 1024);
const foreign = addon.allocate(other, 1024);
const freed = addon.allocate(device, 16);
addon.freeBuffer(freed);
const { file } = await addon.openFile(process.argv[1]);
const closed = (await addon.openFile(process.argv[1])).file;
addon.closeFile(closed);
const floats = new Float32Array(4);
const dispatch = (changes) => [
  {
    kind: 'dispatch',
    kernel: 'sum_blocks',
    ranges: [buffer, 0, 1024, buffer, 0, 4],
    params: new Uint8Array(8),
    constants: new Uint32Array(0),
    grid: [1, 1, 1],
    indirect: [],
    ...changes,
  },
];

const calls = [
  () => addon.open('nothing', 0, options),
  () => addon.open(backend, -1, options),
  () => addon.open(backend, 0, {}),
  () => addon.open(backend, 4000, options),
  () => addon.memory(),
  () => addon.memory({}),
  () => addon.memory(buffer),
  () => addon.allocate(device, 0),
  () => addon.allocate(device, -5),
  () => addon.allocate(device, 1.5),
  () => addon.allocate(device, Number.NaN),
  () => addon.freeBuffer(device),
  () => addon.freeProgram(buffer),
  () => addon.createProgram(device, {}),
  () => addon.createProgram(device, [1]),
  () => addon.createProgram(device, [{ kind: 'jump' }]),
  () => addon.createProgram(device, dispatch({ kernel: 'none' })),
  () => addon.createProgram(device, dispatch({ kernel: 5 })),
  () => addon.createProgram(device, dispatch({ ranges: [] })),
  () => addon.createProgram(device, dispatch({ ranges: [buffer, 0] })),
  () => addon.createProgram(device, dispatch({ ranges: [buffer, 0, 2048, buffer, 0, 4] })),
  () => addon.createProgram(device, dispatch({ ranges: [buffer, 1, 8, buffer, 0, 4] })),
  () => addon.createProgram(device, dispatch({ ranges: [foreign, 0, 8, buffer, 0, 4] })),
  () => addon.createProgram(device, dispatch({ ranges: [freed, 0, 8, buffer, 0, 4] })),
  () => addon.createProgram(device, dispatch({ params: new Uint8Array(4) })),
  () => addon.createProgram(device, dispatch({ constants: new Uint32Array(3) })),
  () => addon.createProgram(device, dispatch({ grid: [1] })),
  () => addon.createProgram(device, dispatch({ grid: [2 ** 31, 1, 1] })),
  () => addon.createProgram(device, dispatch({ indirect: [buffer, 0, 4] })),
  () => addon.createProgram(device, [{ kind: 'copy', ranges: [buffer, 0, 8, buffer, 4, 8] }]),
  () => addon.createProgram(device, [{ kind: 'copy', ranges: [buffer, 0, 8] }]),
  () => addon.createProgram(device, [{ kind: 'fill', ranges: [buffer, 2, 8], value: 0 }]),
  () => addon.createProgram(device, [{ kind: 'fill', ranges: [buffer, 0, 8], value: -1 }]),
  () => addon.run(device, {}, [], [], false),
  () => addon.run(device, null, 1, [], false),
  () => addon.run(device, null, [floats, buffer, 1020], [], false),
  () => addon.run(device, null, [[1], buffer, 0], [], false),
  () => addon.run(device, null, [], [buffer, 0, 2048, 7, undefined], false),
  () => addon.run(device, null, [], [buffer, 0, 16, 99, undefined], false),
  () => addon.run(device, null, [], [buffer, 0, 16, 7, new Float32Array(3)], false),
  () => addon.run(device, null, [], [buffer, 0, 16, 7, 'out'], false),
  () => addon.run(other, null, [], [buffer, 0, 16, 7, undefined], false),
  () => addon.openFile(),
  () => addon.openFile('nowhere'),
  () => addon.closeFile(buffer),
  () => addon.load(),
  () => addon.load(buffer, 0, device, buffer, 0, 16),
  () => addon.load(file, 0, device, buffer, 1020, 16),
  () => addon.load(file, 2 ** 50, device, buffer, 0, 16),
  () => addon.load(file, -1, device, buffer, 0, 16),
  () => addon.load(file, 0, device, foreign, 0, 16),
  () => addon.load(closed, 0, device, buffer, 0, 16),
];
for (const call of calls) {
  let error;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  check(error instanceof Error, `no error from ${call}`);
}

const empty = await addon.run(device, null, [], [], true);
check(empty.outputs.length === 0 && empty.times.length === 0, 'an empty run');
const { outputs } = await addon.run(device, null, [floats.fill(3), buffer, 16], [buffer, 16, 16, 7, undefined], false);
check(outputs[0][3] === 3, 'the device does not work any more');
addon.close(device);
addon.close(device);
let code;
try {
  addon.memory(device);
} catch (error) {
  code = error.code;
}
check(code === 'DISPOSED', `code ${code}`);
console.log('ok');
