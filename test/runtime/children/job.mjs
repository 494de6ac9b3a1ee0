// A program for the child processes: sums 4096 at a time, as often as asked, so that it takes a while.
import { Device } from '../../../dist/index.js';

export const backend = process.argv[2];

export async function openJob(repeat, options = {}) {
  const device = await Device.open({ backend: options.backend ?? backend, threads: 1 });
  const count = options.count ?? 1 << 20;
  const values = await device.tensorFrom(new Float32Array(count).fill(1));
  const sums = device.tensor('f32', [count / 4096]);
  const program = await device.record((recorder) => {
    for (let i = 0; i < repeat; i++) {
      const params = { count, rows: 1 };
      recorder.dispatch('sum_blocks', { buffers: { values, sums }, params, grid: [count / 4096] });
    }
  });
  return { device, values, sums, program };
}

export function check(condition, message) {
  if (condition) return;
  console.log(`failed: ${message}`);
  process.exit(1);
}
