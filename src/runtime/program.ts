// Program: recorded commands that run as often as wanted, each run one native call and one promise.
import './dispose-symbol.js';
import { type AbortOptions, abortable } from './abort.js';
import { checkToken, TOKEN, type Token } from './construction.js';
import { checkArray, DATA_TYPES, type TypedArray } from './data-types.js';
import { ComputeError } from './errors.js';
import type { NativeProgram, NativeRunResult } from './native.js';
import type { CommandLabel } from './profile.js';
import type { RunRequest, Session } from './session.js';
import { checkReadable, checkTensor, rangeOf, type Tensor } from './tensor.js';
import { checkBoolean, checkRunOptions, describe } from './validate.js';

export { type DispatchCall, type Grid, Recorder } from './recorder.js';

/** Aborted, a run rejects at once and ends in the background. */
export interface ProgramRunOptions extends AbortOptions {
  /** Written before the commands run: each array to the first elements of its tensor. */
  write?: readonly (readonly [Tensor, TypedArray])[] | undefined;
  /** Read back after the commands ran, into `outputs` in this order. */
  read?: readonly Tensor[] | undefined;
  /** Arrays to fill instead of new ones, one for each tensor of `read` or undefined. */
  out?: readonly (TypedArray | undefined)[] | undefined;
  /** Measure each command on the device. */
  timed?: boolean | undefined;
}

/** When a command ran, by the device's clock, from the run's first command on. */
export interface CommandTime {
  name: string;
  beginMicros: number;
  endMicros: number;
}

export interface ProgramRunResult {
  outputs: TypedArray[];
  /** When asked for by `timed`. */
  times?: CommandTime[];
}

const RUN_OPTIONS = ['write', 'read', 'out', 'timed', 'signal'];

function checkList(where: string, name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`${where}: ${name} must be an array, got ${describe(value)}`);
  return value;
}

function namedTimes(labels: readonly CommandLabel[], times: Float64Array): CommandTime[] {
  const named: CommandTime[] = [];
  for (let i = 0; i < times.length; i += 3) {
    named.push({ name: labels[times[i]].name, beginMicros: times[i + 1], endMicros: times[i + 2] });
  }
  return named;
}

interface ProgramParts {
  readonly session: Session;
  readonly handle: NativeProgram;
  readonly labels: readonly CommandLabel[];
}

/** For `device.record`. */
export let makeProgram: (parts: ProgramParts) => Program;

/**
 * Commands recorded once by `device.record`. Runs may overlap in time: they are queued in the order of the calls.
 * A program keeps the memory of the tensors it was recorded with.
 */
export class Program implements Disposable {
  readonly #session: Session;
  readonly #handle: NativeProgram;
  readonly #labels: readonly CommandLabel[];
  #disposed = false;

  static {
    makeProgram = (parts) => new Program(TOKEN, parts);
  }

  private constructor(token: Token, parts: ProgramParts) {
    checkToken(token, 'Program', 'device.record');
    const { session, handle, labels } = parts;
    this.#session = session;
    this.#handle = handle;
    this.#labels = labels;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * Writes, runs the commands, reads back: one submission. Arrays to write are free again at once when they have up to
   * a megabyte together; larger ones must neither change nor be transferred before the promise settles.
   *
   * @example
   * const { outputs } = await program.run({ write: [[queries, vectors]], read: [distances] });
   */
  run(options: ProgramRunOptions = {}): Promise<ProgramRunResult> {
    const where = 'program.run';
    if (this.#disposed) throw new ComputeError('DISPOSED', `${where}: the program was disposed of`);
    this.#session.check(where);
    checkRunOptions(where, options, RUN_OPTIONS);
    const { timed = false, signal } = options;
    checkBoolean(where, 'timed', timed);
    const request = {
      program: this.#handle,
      writes: this.#writes(where, options.write),
      readbacks: this.#readbacks(where, options.read, options.out),
      timed: timed || this.#session.traces.size > 0,
    };
    if (signal?.aborted) return Promise.reject(signal.reason);
    return abortable(this.#run(where, request, timed), signal);
  }

  /** Runs in flight complete. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#session.native.freeProgram(this.#handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #run(where: string, request: RunRequest, timed: boolean): Promise<ProgramRunResult> {
    const traces = request.timed ? [...this.#session.traces] : [];
    const { outputs, times }: NativeRunResult = await this.#session.run(where, request);
    if (!times) return { outputs };
    const named = namedTimes(this.#labels, times);
    const labels = named.map((_, i) => this.#labels[times[i * 3]]);
    for (const trace of traces) trace.add(labels, named);
    return timed ? { outputs, times: named } : { outputs };
  }

  #writes(where: string, list: ProgramRunOptions['write']): unknown[] {
    if (list === undefined) return [];
    const writes: unknown[] = [];
    for (const [i, entry] of checkList(where, 'write', list).entries()) {
      const [tensor, array] = checkList(where, `write[${i}]`, entry);
      checkTensor(where, `write[${i}][0]`, tensor, this.#session);
      const source = checkArray(where, `write[${i}][1]`, array, tensor.type);
      if (source.length > tensor.length) {
        throw new RangeError(
          `${where}: write[${i}][1] must have at most ${tensor.length} elements, got ${source.length}`,
        );
      }
      const { buffer, offset } = rangeOf(tensor);
      if (source.length > 0) writes.push(source, buffer, offset);
    }
    return writes;
  }

  #readbacks(where: string, list: ProgramRunOptions['read'], out: ProgramRunOptions['out']): unknown[] {
    if (out !== undefined) checkList(where, 'out', out);
    const tensors = list === undefined ? [] : checkList(where, 'read', list);
    if (out !== undefined && out.length > tensors.length) {
      throw new RangeError(`${where}: out must have at most ${tensors.length} arrays as read has, got ${out.length}`);
    }
    const readbacks: unknown[] = [];
    for (const [i, tensor] of tensors.entries()) {
      checkTensor(where, `read[${i}]`, tensor, this.#session);
      checkReadable(where, `out[${i}]`, tensor, out?.[i]);
      const { buffer, offset, bytes } = rangeOf(tensor);
      readbacks.push(buffer, offset, bytes, DATA_TYPES[tensor.type].nativeArray, out?.[i]);
    }
    return readbacks;
  }
}
