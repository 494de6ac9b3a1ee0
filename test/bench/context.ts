// What a benchmark gets: the device, its measured ceilings, sizes for its class, and ways to time programs and calls.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, Program } from '../../src/index.js';

/** One line of the table: a measured piece of work, or (value and unit) a single number. */
export interface BenchRow {
  name: string;
  shape?: string;
  /** Median over the timed runs, by the device's clock. */
  deviceMs?: number;
  /** Median from call to promise. */
  wallMs?: number;
  /** Bytes that the work must move and operations that it must do, whatever the kernel really does. */
  bytes?: number;
  flops?: number;
  value?: number;
  unit?: string;
  note?: string;
}

export interface Bench {
  name: string;
  run(context: BenchContext): Promise<BenchRow[]>;
}

/** What the device reached in this run. */
export interface Ceilings {
  readonly readBytesPerSecond: number;
  readonly copyBytesPerSecond: number;
  readonly flopsPerSecond: number;
  /** Of a small dispatch that waits for the one before. */
  readonly stageSeconds: number;
}

export type DeviceClass = 'gpu' | 'cpu' | 'software';

export interface Timing {
  deviceMs?: number;
  wallMs: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function classOf({ info }: Device): DeviceClass {
  if (info.kind === 'cpu' || info.kind === 'software') return info.kind;
  return 'gpu';
}

interface TimeOptions {
  /** Only this kernel counts for the device's time; by default the span from first to last command. */
  kernel?: string;
  repeats?: number;
  /** Default: the median. */
  summary?: (millis: readonly number[]) => number;
}

/** A GPU that has idled runs at a fraction of its clock for about this long. */
const WARM_UP_MS = 300;

async function warmUpFor(work: () => Promise<unknown>, least: number): Promise<void> {
  const end = performance.now() + WARM_UP_MS;
  for (let i = 0; i < least || performance.now() < end; i++) await work();
}

/** Device and wall time of a program, medians of separate runs once the device is warm. */
export async function timeProgram(
  program: Program,
  { kernel, repeats = 10, summary = median }: TimeOptions = {},
): Promise<Timing> {
  const spans: number[] = [];
  await warmUpFor(() => program.run(), 1);
  for (let i = 0; i < repeats + 2; i++) {
    const { times = [] } = await program.run({ timed: true });
    const counted = times.filter(({ name }) => kernel === undefined || name === kernel);
    if (counted.length === 0 || i < 2) continue;
    const begin = Math.min(...counted.map(({ beginMicros }) => beginMicros));
    spans.push((Math.max(...counted.map(({ endMicros }) => endMicros)) - begin) / 1000);
  }
  const wallMs = await timeCalls(() => program.run(), { repeats, warmUp: 0 });
  return spans.length > 0 ? { deviceMs: summary(spans), wallMs } : { wallMs };
}

export async function timeCalls(work: () => Promise<unknown>, { repeats = 10, warmUp = 2 } = {}): Promise<number> {
  if (warmUp > 0) await warmUpFor(work, warmUp);
  const millis: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const begin = performance.now();
    await work();
    millis.push(performance.now() - begin);
  }
  return median(millis);
}

/** Time the device spent in commands while `work` ran. */
export async function deviceMillis(device: Device, work: () => Promise<unknown>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wavetile-bench-'));
  try {
    const path = join(folder, 'trace.json');
    await warmUpFor(work, 1);
    await device.profile(path, work);
    const { traceEvents } = JSON.parse(await readFile(path, 'utf8')) as { traceEvents: { ph: string; dur?: number }[] };
    return traceEvents.reduce((sum, { dur = 0 }) => sum + dur, 0) / 1000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export class BenchContext {
  readonly deviceClass: DeviceClass;
  readonly #filters: readonly string[];

  constructor(
    readonly device: Device,
    readonly ceilings: Ceilings,
    filters: readonly string[],
  ) {
    this.deviceClass = classOf(device);
    this.#filters = filters;
  }

  /** Whether the command line asks for this row of this benchmark. */
  wants(bench: string, row = ''): boolean {
    return this.#filters.length === 0 || this.#filters.some((filter) => `${bench} ${row}`.includes(filter));
  }

  /** Runs those parts that are asked for, each named as its row begins. */
  async collect(bench: string, parts: Readonly<Record<string, () => Promise<BenchRow[]>>>): Promise<BenchRow[]> {
    const rows: BenchRow[] = [];
    for (const [name, measure] of Object.entries(parts)) if (this.wants(bench, name)) rows.push(...(await measure()));
    return rows;
  }

  /** The size for this class of device. */
  size(sizes: Readonly<Record<DeviceClass, number>>): number {
    return sizes[this.deviceClass];
  }
}
