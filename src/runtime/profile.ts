// A Chrome trace of what ran on a device: opens in Perfetto (ui.perfetto.dev) and chrome://tracing.
import type { DeviceInfo } from './native.js';

/** What a profile shows of a command. */
export interface CommandLabel {
  readonly name: string;
  readonly grid?: readonly number[] | 'indirect';
  /** Bytes that the command may touch. */
  readonly bytes: number;
}

interface Span {
  readonly beginMicros: number;
  readonly endMicros: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

const PID = 1;
const TID = 1;

export class Trace {
  readonly #begin = performance.now();
  readonly #events: TraceEvent[] = [];
  /** Where the last run ended on the trace's time axis, in microseconds. */
  #end = 0;

  /** Adds the commands of a run that has just ended. The device's clock has no common origin with the host's. */
  add(labels: readonly CommandLabel[], times: readonly Span[]): void {
    if (times.length === 0) return;
    const now = (performance.now() - this.#begin) * 1000;
    const duration = times.reduce((latest, { endMicros }) => Math.max(latest, endMicros), 0);
    const origin = Math.max(this.#end, now - duration);
    times.forEach(({ beginMicros, endMicros }, i) => {
      const { name, grid, bytes } = labels[i];
      const ts = origin + beginMicros;
      const args = { grid: typeof grid === 'object' ? grid.join(' x ') : grid, bytes };
      this.#events.push({ name, cat: 'command', ph: 'X', pid: PID, tid: TID, ts, dur: endMicros - beginMicros, args });
    });
    this.#end = origin + duration;
  }

  /** The file's contents. */
  encode(info: DeviceInfo): Uint8Array {
    const track = `${info.name} (${info.backend} ${info.index})`;
    const names: TraceEvent[] = [
      { name: 'process_name', ph: 'M', pid: PID, tid: TID, args: { name: 'wavetile' } },
      { name: 'thread_name', ph: 'M', pid: PID, tid: TID, args: { name: track } },
    ];
    const trace = { displayTimeUnit: 'ms', otherData: { device: info }, traceEvents: [...names, ...this.#events] };
    return Buffer.from(JSON.stringify(trace));
  }
}
