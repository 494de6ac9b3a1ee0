// Recorder: checks each command against its kernel's contract and the device's limits, and encodes it.
import { type KernelInfo, type KernelName, type KernelSignatures, kernelTable } from '../kernels/generated.js';
import { checkToken, TOKEN, type Token } from './construction.js';
import { checkNames, encodeConstants, encodeParams } from './encode.js';
import type { DeviceInfo, NativeCommand, NativeRanges } from './native.js';
import type { CommandLabel } from './profile.js';
import type { Range, Session } from './session.js';
import { checkTensor, rangeOf, type Tensor } from './tensor.js';
import { checkInteger, checkObject, checkOptions, describe, hint } from './validate.js';

/** Workgroups along x, y and z, or three `u32` of a tensor that hold them when the program runs. */
export type Grid = readonly [x: number, y?: number | undefined, z?: number | undefined] | { readonly indirect: Tensor };

export type DispatchCall<K extends KernelName> = {
  readonly buffers: KernelSignatures[K]['buffers'];
  readonly grid: Grid;
  readonly constants?: { readonly [C in keyof KernelSignatures[K]['constants']]?: number | undefined } | undefined;
} & (KernelSignatures[K]['params'] extends Record<string, never>
  ? { readonly params?: KernelSignatures[K]['params'] | undefined }
  : { readonly params: KernelSignatures[K]['params'] });

/** What was recorded: the commands, and what a profile shows of each. */
export interface Recording {
  readonly commands: readonly NativeCommand[];
  readonly labels: readonly CommandLabel[];
}

/** For the runtime itself: calls `build` with a recorder that takes nothing more once it has returned. */
export let recordCommands: (where: string, session: Session, build: (recorder: Recorder) => unknown) => Recording;

const flat = ({ buffer, offset, bytes }: Range): NativeRanges => [buffer, offset, bytes];

function kernelNamed(name: unknown): KernelInfo {
  if (typeof name === 'string' && Object.hasOwn(kernelTable, name)) return kernelTable[name as KernelName];
  const meant = typeof name === 'string' ? hint(name, Object.keys(kernelTable)) : '';
  throw new TypeError(`recorder.dispatch: kernel must be the name of a kernel, got ${describe(name)}${meant}`);
}

/** Records the commands of a program; given to the function passed to `device.record`. */
export class Recorder {
  readonly #session: Session;
  readonly #commands: NativeCommand[] = [];
  readonly #labels: CommandLabel[] = [];
  #finished = false;

  static {
    recordCommands = (where, session, build) => {
      const recorder = new Recorder(TOKEN, session);
      try {
        checkReturned(where, build(recorder));
      } finally {
        recorder.#finished = true;
      }
      if (recorder.#commands.length > 0) return { commands: recorder.#commands, labels: recorder.#labels };
      throw new RangeError(`${where}: build must record at least one command, got none`);
    };
  }

  private constructor(token: Token, session: Session) {
    checkToken(token, 'Recorder', 'device.record');
    this.#session = session;
  }

  /**
   * Adds one run of a kernel over a grid of workgroups. Barriers come from what each kernel reads and writes.
   *
   * @example
   * recorder.dispatch('row_norms', {
   *   buffers: { packed, norms },
   *   params: { rows: 1000, chunks: 32, subspaceChunks: 32 },
   *   grid: [Math.ceil(1000 / 256)],
   * });
   */
  dispatch<K extends KernelName>(kernel: K, call: DispatchCall<K>): this {
    this.#check('recorder.dispatch');
    const info = kernelNamed(kernel);
    checkObject(kernel, 'call', call);
    checkOptions(kernel, call, ['buffers', 'params', 'constants', 'grid']);
    const ranges = this.#bind(kernel, info, call.buffers);
    const { grid, indirect } = this.#grid(kernel, call.grid);
    this.#commands.push({
      kind: 'dispatch',
      kernel,
      ranges: ranges.flatMap(flat),
      params: encodeParams(kernel, info, call.params ?? {}),
      constants: encodeConstants(kernel, info, call.constants ?? {}),
      grid,
      indirect: indirect ? flat(indirect) : [],
    });
    const bytes = ranges.reduce((sum, range) => sum + range.bytes, 0);
    this.#labels.push({ name: kernel, grid: indirect ? 'indirect' : grid, bytes });
    return this;
  }

  /** Copies all of `from` to `to`, which has as many bytes. */
  copy(from: Tensor, to: Tensor): this {
    const where = 'recorder.copy';
    this.#check(where);
    const source = this.#range(where, 'from', from);
    const target = this.#range(where, 'to', to);
    if (source.bytes !== target.bytes) {
      throw new RangeError(`${where}: to must have ${source.bytes} bytes as from has, got ${target.bytes}`);
    }
    const apart = Math.abs(source.offset - target.offset) >= source.bytes;
    if (source.buffer === target.buffer && !apart) throw new RangeError(`${where}: from and to must not overlap`);
    this.#commands.push({ kind: 'copy', ranges: [...flat(source), ...flat(target)] });
    this.#labels.push({ name: 'copy', bytes: source.bytes * 2 });
    return this;
  }

  /** Sets every 4 bytes of the tensor to the unsigned 32-bit integer `value`. */
  fill(tensor: Tensor, value: number): this {
    const where = 'recorder.fill';
    this.#check(where);
    const range = this.#range(where, 'tensor', tensor);
    if (range.offset % 4 !== 0 || range.bytes % 4 !== 0) {
      const got = `offset ${range.offset}, bytes ${range.bytes}`;
      throw new RangeError(`${where}: tensor must begin and end at multiples of 4 bytes, got ${got}`);
    }
    checkInteger(where, 'value', value, { min: 0, max: 0xffffffff });
    this.#commands.push({ kind: 'fill', ranges: flat(range), value });
    this.#labels.push({ name: 'fill', bytes: range.bytes });
    return this;
  }

  #check(where: string): void {
    if (this.#finished) throw new TypeError(`${where}: the program was already recorded`);
  }

  #range(where: string, name: string, tensor: unknown): Range {
    checkTensor(where, name, tensor, this.#session);
    return rangeOf(tensor);
  }

  #bind(kernel: string, info: KernelInfo, buffers: unknown): Range[] {
    const names = info.buffers.map(({ name }) => name);
    const given = checkNames(kernel, 'buffer', buffers, names);
    return info.buffers.map((buffer) => {
      const name = `buffers.${buffer.name}`;
      const range = this.#range(kernel, name, given[buffer.name]);
      checkElements(kernel, name, given[buffer.name] as Tensor, buffer);
      checkBinding(kernel, name, range, this.#session.info);
      return range;
    });
  }

  #grid(kernel: string, grid: unknown): { grid: readonly [number, number, number]; indirect?: Range } {
    if (Array.isArray(grid)) return { grid: checkGrid(kernel, grid, this.#session.info.maxGrid) };
    if (typeof grid !== 'object' || grid === null || !('indirect' in grid)) {
      throw new TypeError(`${kernel}: grid must be [x, y?, z?] or { indirect: tensor }, got ${describe(grid)}`);
    }
    checkOptions(`${kernel}: grid`, grid, ['indirect']);
    const range = this.#range(kernel, 'grid.indirect', grid.indirect);
    const { type, length } = grid.indirect as Tensor;
    if (type !== 'u32' || length < 3 || range.offset % 4 !== 0) {
      throw new TypeError(`${kernel}: grid.indirect must be a u32 tensor of at least 3, got ${type} of ${length}`);
    }
    return { grid: [1, 1, 1], indirect: { ...range, bytes: 12 } };
  }
}

function checkReturned(where: string, returned: unknown): void {
  if (!(returned instanceof Promise)) return;
  returned.catch(() => undefined);
  throw new TypeError(`${where}: build must record at once, got a function that returns a promise`);
}

type BufferContract = KernelInfo['buffers'][number];
const COMPONENT_BYTES = { f32: 4, i32: 4, u32: 4, f16: 2, i16: 2, u16: 2, i8: 1, u8: 1 };

function checkElements(kernel: string, name: string, tensor: Tensor, { type, components }: BufferContract): void {
  // Kernels that take unsigned integers take them as plain words, whatever they mean.
  if (!type.startsWith('u') && tensor.type !== type) {
    throw new TypeError(`${kernel}: ${name} must be a tensor of ${type}, got ${tensor.type}`);
  }
  const elementBytes = COMPONENT_BYTES[type] * components;
  if (tensor.bytes % elementBytes !== 0) {
    throw new RangeError(`${kernel}: ${name} must have a multiple of ${elementBytes} bytes, got ${tensor.bytes}`);
  }
}

function checkBinding(kernel: string, name: string, range: Range, info: DeviceInfo): void {
  if (range.offset % info.bindingAlignment !== 0) {
    throw new RangeError(
      `${kernel}: ${name} must begin at a multiple of ${info.bindingAlignment} bytes (device.info.bindingAlignment), got ${range.offset}`,
    );
  }
  if (range.bytes > info.maxBindingBytes) {
    throw new RangeError(
      `${kernel}: ${name} must have at most ${info.maxBindingBytes} bytes (device.info.maxBindingBytes), got ${range.bytes}`,
    );
  }
}

function checkGrid(kernel: string, grid: unknown[], limit: readonly number[]): readonly [number, number, number] {
  if (grid.length < 1 || grid.length > 3) {
    throw new TypeError(`${kernel}: grid must have 1 to 3 sides, got ${grid.length}`);
  }
  const side = (axis: number) => checkInteger(kernel, `grid[${axis}]`, grid[axis] ?? 1, { min: 1, max: limit[axis] });
  return [side(0), side(1), side(2)];
}
