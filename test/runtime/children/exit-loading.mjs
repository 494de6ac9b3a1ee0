// Exits, and terminates workers, while files are being loaded.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Device, FileSource } from '../../../dist/index.js';
import { backend } from './job.mjs';

const BYTES = 32 << 20;

async function startLoads(path, backend) {
  const device = await Device.open({ backend });
  const file = await FileSource.open(path);
  const tensor = device.tensor('u8', [BYTES]);
  for (let i = 0; i < 8; i++) file.load(tensor, { offset: 0, bytes: BYTES });
}

if (isMainThread) {
  const folder = mkdtempSync(join(tmpdir(), 'wavetile-exit-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const path = join(folder, 'bytes');
  writeFileSync(path, new Uint8Array(BYTES));
  for (const delayMs of [0, 5, 20]) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { path, backend } });
    await new Promise((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await worker.terminate();
  }
  await startLoads(path, backend);
  console.log('ok');
  process.exit(0);
} else {
  await startLoads(workerData.path, workerData.backend);
  parentPort.postMessage('loading');
}
