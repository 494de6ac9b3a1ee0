// How the commands measure: medians of repeated runs, a copy for the memory's rate, recall against exact results.
import type { Device } from '../runtime/device.js';
import { formatBytes, formatNumber } from './terminal.js';

export interface Measurement {
  readonly what: string;
  readonly millis: number;
  /** What took that long: 'a search', 'an iteration'. */
  readonly each: string;
  readonly note: string;
  readonly values: Readonly<Record<string, number>>;
}

const MIN_MILLIS = 300;
const MAX_RUNS = 200;

/** Median milliseconds of `work`, after one run that does not count. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  const end = performance.now() + MIN_MILLIS;
  while (times.length < 3 || (performance.now() < end && times.length < MAX_RUNS)) {
    const begin = performance.now();
    await work();
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/** The rate at which the device reads and writes its memory, by copying; larger than any cache. */
export async function copyBandwidth(device: Device): Promise<Measurement & { values: { gigabytesPerSecond: number } }> {
  const { kind, maxBindingBytes } = device.info;
  const bytes = Math.min(kind === 'cpu' || kind === 'software' ? 128 << 20 : 1 << 30, maxBindingBytes);
  const copies = 4;
  using from = device.tensor('u32', [Math.floor(bytes / 4)]);
  using to = device.tensor('u32', [Math.floor(bytes / 4)]);
  using program = await device.record((recorder) => {
    recorder.fill(from, 1);
    for (let i = 0; i < copies; i++) recorder.copy(from, to).copy(to, from);
  });
  const times: number[] = [];
  for (let run = 0; run < 8; run++) {
    const begin = performance.now();
    await program.run();
    if (run > 0) times.push(performance.now() - begin);
  }
  // Each copy reads and writes; the fill only writes.
  const moved = from.bytes * (4 * copies + 1);
  const millis = Math.min(...times) / (2 * copies);
  const gigabytesPerSecond = moved / Math.min(...times) / 1e6;
  const note = `${formatNumber(gigabytesPerSecond)} GB/s read and written`;
  return { what: `copy of ${formatBytes(from.bytes)}`, millis, each: 'a copy', note, values: { gigabytesPerSecond } };
}

/** The share of the k true neighbours that were found, over all queries. */
export function recallAt(k: number, found: ArrayLike<number | bigint>, truth: ArrayLike<number | bigint>): number {
  let hits = 0;
  for (let begin = 0; begin < truth.length; begin += k) {
    const right = new Set<number | bigint>();
    for (let i = 0; i < k; i++) right.add(truth[begin + i]);
    for (let i = 0; i < k; i++) if (right.has(found[begin + i])) hits++;
  }
  return hits / truth.length;
}
