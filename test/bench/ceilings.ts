// What the device reaches in this run: reading and copying memory, float32 multiply-adds, and stages that wait for each other.
import type { Device, Recorder, Tensor } from '../../src/index.js';
import { type Ceilings, classOf, timeCalls, timeProgram } from './context.js';
import { noise } from './data.js';

const SIZES = { gpu: 1 << 30, cpu: 1 << 28, software: 1 << 26 };
const ROUNDS = { gpu: 4096, cpu: 4096, software: 256 };
const VALUES = { gpu: 1 << 20, cpu: 1 << 16, software: 1 << 14 };

/** What a workgroup of `read_bandwidth` reads, and the words that it leaves. */
const GROUP_BYTES = 65536;
const GROUP_WORDS = 256;
const STAGES = 200;

const BEST = { summary: (millis: readonly number[]) => Math.min(...millis) };

const groupsOf = (bytes: number) => Math.ceil(bytes / GROUP_BYTES);

/** Memory for what reading so many bytes leaves. */
export function foldedOf(device: Device, bytes: number): Tensor {
  return device.tensor('u32', [groupsOf(bytes) * GROUP_WORDS]);
}

/** Reads a tensor and does nothing else. */
export function recordRead(recorder: Recorder, source: Tensor, folded: Tensor): void {
  const params = { count: source.bytes / 16 };
  recorder.dispatch('read_bandwidth', { buffers: { source, folded }, params, grid: [groupsOf(source.bytes)] });
}

async function memoryRates(device: Device): Promise<{ read: number; copy: number }> {
  const bytes = Math.min(SIZES[classOf(device)], Math.floor(device.info.maxBindingBytes / GROUP_BYTES) * GROUP_BYTES);
  using source = await device.tensorFrom(noise(bytes / 4, 1));
  using target = device.tensor('f32', [bytes / 4]);
  using folded = foldedOf(device, bytes);
  using reading = await device.record((recorder) => recordRead(recorder, source, folded));
  using copying = await device.record((recorder) => {
    recorder.copy(source, target);
  });
  const read = await timeProgram(reading, BEST);
  const copy = await timeProgram(copying, BEST);
  return { read: rate(bytes, read), copy: rate(2 * bytes, copy) };
}

const rate = (amount: number, { deviceMs, wallMs }: { deviceMs?: number; wallMs: number }) =>
  (amount / (deviceMs ?? wallMs)) * 1000;

async function multiplyAddRate(device: Device): Promise<number> {
  const count = VALUES[classOf(device)];
  const rounds = ROUNDS[classOf(device)];
  using start = await device.tensorFrom(noise(count, 2));
  using results = device.tensor('f32', [count]);
  const params = { count, rounds, factor: 0.96875, addend: 0.25 };
  using program = await device.record((recorder) => {
    recorder.dispatch('multiply_add', { buffers: { start, results }, params, grid: [count / 256] });
  });
  return rate(count * rounds * 16, await timeProgram(program, BEST));
}

/** Seconds of a dispatch that reads a little and waits for the one before. */
async function stageSeconds(device: Device): Promise<number> {
  using source = await device.tensorFrom(noise(1024, 3));
  using folded = foldedOf(device, source.bytes);
  const seconds = async (stages: number) => {
    using program = await device.record((recorder) => {
      for (let i = 0; i < stages; i++) recordRead(recorder, source, folded);
    });
    return (await timeCalls(() => program.run(), { repeats: 30 })) / 1000;
  };
  return ((await seconds(3 * STAGES)) - (await seconds(STAGES))) / (2 * STAGES);
}

export async function measureCeilings(device: Device): Promise<Ceilings> {
  const { read, copy } = await memoryRates(device);
  return {
    readBytesPerSecond: read,
    copyBytesPerSecond: copy,
    flopsPerSecond: await multiplyAddRate(device),
    stageSeconds: await stageSeconds(device),
  };
}
