// Workers are terminated while they open, compile, run, write and read; the main thread's device goes on.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { backend, check, openJob } from './job.mjs';

if (isMainThread) {
  const { sums, program } = await openJob(1);
  for (const delayMs of [0, 20, 60, 120, 200, 'working', 'working', 'working']) {
    const worker = new Worker(new URL(import.meta.url), { workerData: backend });
    if (delayMs === 'working') await new Promise((resolve) => worker.once('message', resolve));
    else await new Promise((resolve) => setTimeout(resolve, delayMs));
    const ended = worker.terminate();
    const { outputs } = await program.run({ read: [sums] });
    check(outputs[0][0] === 4096, `sum ${outputs[0][0]}`);
    await ended;
  }
  console.log('ok');
} else {
  const { values, sums, program } = await openJob(10, { backend: workerData });
  const large = new Float32Array(values.length);
  parentPort.postMessage('working');
  const again = () => program.run({ write: [[values, large]], read: [sums, values] }).then(again);
  for (let i = 0; i < 3; i++) again();
}
