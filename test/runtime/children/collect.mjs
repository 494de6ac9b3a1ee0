// Results and tensors that nobody holds go back to the pool with the garbage collector.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { check, openJob } from './job.mjs';

const { device, program, values, sums } = await openJob(1);

async function collected(bytes) {
  for (let i = 0; i < 50 && device.memory().liveBytes > bytes; i++) {
    globalThis.gc();
    await sleep(10);
  }
  return device.memory().liveBytes;
}

const before = await collected(0);
/** All results of a round are held until its end, so that each round needs as many blocks. */
async function readOften() {
  const held = [];
  for (let i = 0; i < 20; i++) {
    const { outputs } = await program.run({ read: [values, sums] });
    held.push(outputs);
    check(outputs[0][i] === 1 && outputs[1][0] === 4096, 'contents');
  }
}
await readOften();
check((await collected(before)) === before, `results: ${device.memory().liveBytes} bytes live, ${before} before`);

const { allocations } = device.memory();
await readOften();
await collected(before);
check(device.memory().allocations === allocations, 'a second round allocated');

const tensorBytes = 4 * 1024 * 1024;
for (let i = 0; i < 300; i++) {
  device.tensor('u8', [tensorBytes]);
  await nextTurn();
}
check(device.memory().peakBytes < before + 100 * tensorBytes, `${device.memory().peakBytes} bytes before a collection`);
check((await collected(before)) === before, `tensors: ${device.memory().liveBytes} bytes live, ${before} before`);
console.log('ok');
