// Four workers and the main thread use a device each, at the same time.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { backend, check, openJob } from './job.mjs';

async function work(name) {
  const { device, sums, program } = await openJob(2, { backend: name });
  let total = 0;
  for (let i = 0; i < 20; i++) total += (await program.run({ read: [sums] })).outputs[0][0];
  device.dispose();
  return total;
}

if (isMainThread) {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url), { workerData: backend }));
  const answers = workers.map((worker) => new Promise((resolve) => worker.once('message', resolve)));
  for (const total of [await work(backend), ...(await Promise.all(answers))])
    check(total === 20 * 4096, `total ${total}`);
  console.log('ok');
} else {
  parentPort.postMessage(await work(workerData));
}
