// What tensors and programs share of their device: the native handle, its limits, and the one way to run something.
import { awaiting, ComputeError } from './errors.js';
import {
  type DeviceInfo,
  type NativeBuffer,
  type NativeDevice,
  type NativeProgram,
  type NativeRunResult,
  native,
} from './native.js';
import type { Trace } from './profile.js';

/** What a warning is about; `Device.open` says it in words. */
export type WarningCode =
  | 'WAVETILE_CACHE_FOLDER'
  | 'WAVETILE_FEW_VECTORS'
  | 'WAVETILE_MATRIX_UNITS'
  | 'WAVETILE_VALIDATION';

export type Warn = (message: string, code: WarningCode) => void;

/** The way of all warnings: to the user's listener, or to the process where there is none. */
export function warnThrough(onWarning: Warn | undefined): Warn {
  return onWarning ?? ((message, code) => process.emitWarning(message, { type: 'WavetileWarning', code }));
}

export interface SessionOptions {
  readonly validation: boolean;
  readonly warn: Warn;
}

/** A range of device memory. */
export interface Range {
  readonly buffer: NativeBuffer;
  /** In bytes. */
  readonly offset: number;
  readonly bytes: number;
}

export interface RunRequest {
  readonly program: NativeProgram | null;
  readonly writes: readonly unknown[];
  readonly readbacks: readonly unknown[];
  readonly timed: boolean;
}

export class Session {
  readonly native = native();
  /** The profiles being taken. */
  readonly traces = new Set<Trace>();
  #disposed = false;

  constructor(
    readonly handle: NativeDevice,
    readonly info: DeviceInfo,
    readonly options: SessionOptions,
  ) {}

  get disposed(): boolean {
    return this.#disposed;
  }

  check(where: string): void {
    if (this.#disposed) throw new ComputeError('DISPOSED', `${where}: the device was disposed of`);
  }

  run(where: string, request: RunRequest): Promise<NativeRunResult> {
    const { program, writes, readbacks, timed } = request;
    const work = () => this.native.run(this.handle, program, writes, readbacks, timed);
    return awaiting(where, this.options.validation ? () => this.#reporting(work) : work);
  }

  async #reporting(work: () => Promise<NativeRunResult>): Promise<NativeRunResult> {
    try {
      return await work();
    } finally {
      this.reportMessages();
    }
  }

  /** Passes on what the validation layer said. */
  reportMessages(): void {
    if (!this.options.validation || this.#disposed) return;
    for (const message of this.native.takeMessages(this.handle)) this.warn(message, 'WAVETILE_VALIDATION');
  }

  warn(message: string, code: WarningCode): void {
    this.options.warn(message, code);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.reportMessages();
    this.#disposed = true;
    this.native.close(this.handle);
  }
}
