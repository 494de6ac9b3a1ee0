// What the runtime adds to the work: from submission to promise, transfers, delay of the event loop.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Device, Program } from '../../src/index.js';
import type { BenchContext, BenchRow } from './context.js';

export const name = 'runtime';

const percentile = (sorted: readonly number[], share: number) => sorted[Math.floor((sorted.length - 1) * share)];

async function microsOf(rounds: number, work: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < rounds / 10; i++) await work();
  const micros: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const begin = performance.now();
    await work();
    micros.push((performance.now() - begin) * 1000);
  }
  return micros.sort((a, b) => a - b);
}

async function latency(name: string, work: () => Promise<unknown>): Promise<BenchRow[]> {
  const micros = await microsOf(2000, work);
  return [
    { name: `${name}, median`, value: percentile(micros, 0.5), unit: 'µs' },
    { name: `${name}, p99`, value: percentile(micros, 0.99), unit: 'µs' },
  ];
}

async function sumProgram(device: Device, count: number, repeat: number): Promise<Program> {
  using values = await device.tensorFrom(new Float32Array(count));
  using sums = device.tensor('f32', [Math.ceil(count / 4096)]);
  return device.record((recorder) => {
    const params = { count, rows: 1 };
    const grid = [sums.length] as const;
    for (let i = 0; i < repeat; i++) recorder.dispatch('sum_blocks', { buffers: { values, sums }, params, grid });
  });
}

async function latencies(device: Device): Promise<BenchRow[]> {
  using values = await device.tensorFrom(new Float32Array(256));
  using sums = device.tensor('f32', [1]);
  using program = await device.record((recorder) => {
    recorder.dispatch('sum_blocks', { buffers: { values, sums }, params: { count: 256, rows: 1 }, grid: [1] });
  });
  const input = new Float32Array(256);
  const burst = () => Promise.all(Array.from({ length: 16 }, () => program.run()));
  return [
    ...(await latency('one dispatch, submission to promise', () => program.run())),
    ...(await latency('write 1 KiB, one dispatch, read 4 B', () =>
      program.run({ write: [[values, input]], read: [sums] }),
    )),
    ...(await latency('16 runs at once', burst)),
    ...(await latency('read 4 B', () => sums.read())),
  ];
}

async function transfers(device: Device): Promise<BenchRow[]> {
  const array = new Float32Array(16 * 1024 * 1024);
  using tensor = await device.tensorFrom(array);
  const out = new Float32Array(array.length);
  const rate = async (name: string, work: () => Promise<unknown>) => {
    const micros = await microsOf(10, work);
    return { name, value: array.byteLength / percentile(micros, 0.5) / 1000, unit: 'GB/s' };
  };
  return [
    await rate('write 64 MiB', () => tensor.write(array)),
    await rate('read 64 MiB', () => tensor.read()),
    await rate('read 64 MiB into a given array', () => tensor.read({ out })),
  ];
}

async function eventLoopDelay(device: Device): Promise<BenchRow[]> {
  using program = await sumProgram(device, 1 << 22, 50);
  await program.run();
  const array = new Float32Array(16 * 1024 * 1024);
  using tensor = device.tensor('f32', [array.length]);
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  histogram.enable();
  const end = performance.now() + 2000;
  while (performance.now() < end) {
    await Promise.all([program.run(), tensor.write(array), tensor.read({ out: array })]);
  }
  histogram.disable();
  // The histogram counts the timer's own millisecond.
  const delayMs = (nanos: number) => Math.max(0, nanos / 1e6 - 1);
  return [
    { name: 'event-loop delay beside large work, p99', value: delayMs(histogram.percentile(99)), unit: 'ms' },
    { name: 'event-loop delay beside large work, greatest', value: delayMs(histogram.max), unit: 'ms' },
  ];
}

export function run(context: BenchContext): Promise<BenchRow[]> {
  const { device } = context;
  return context.collect(name, {
    latency: () => latencies(device),
    transfers: () => transfers(device),
    'event-loop delay': () => eventLoopDelay(device),
  });
}
