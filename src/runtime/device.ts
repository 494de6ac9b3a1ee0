// Device: what memory, programs and profiles are made of.
import './dispose-symbol.js';
import { type OutputFile, writeAtomically } from './atomic-file.js';
import { defaultCacheFolder, isWritableFolder } from './cache-folder.js';
import { checkToken, TOKEN, type Token } from './construction.js';
import { checkArray, DATA_TYPES, type DataType, dataTypeOf, type TypedArray } from './data-types.js';
import { BACKENDS, choose, type DeviceWish, noDevice, wishOfEnvironment } from './device-choice.js';
import { awaiting, calling } from './errors.js';
import { type Backend, type DeviceInfo, type MemoryInfo, type NativeOpenOptions, native } from './native.js';
import { Trace } from './profile.js';
import { makeProgram, type Program } from './program.js';
import { type Recorder, recordCommands } from './recorder.js';
import { Session, type Warn, type WarningCode, warnThrough } from './session.js';
import { allocateTensor, checkShape, lengthOf, type Tensor } from './tensor.js';
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOneOf,
  checkOptions,
  checkString,
  describe,
} from './validate.js';

export { listDiagnostics } from './device-choice.js';
export type { DeviceInfo, Diagnosis, MemoryInfo } from './native.js';

export interface DeviceOpenOptions {
  /** Insists on a backend. With `vulkan` a software driver is opened where there is no GPU. */
  backend?: Backend | undefined;
  /** Insists on a device of that backend, as `Device.list()` numbers them. */
  index?: number | undefined;
  /** Software Vulkan may be picked; false keeps it from being picked even where `backend` asks for Vulkan. */
  software?: boolean | undefined;
  /** Threads of the CPU device; by default one for each core. */
  threads?: number | undefined;
  /** Most bytes that the device may have in use and pooled together. */
  memoryLimitBytes?: number | undefined;
  /** Lowers `device.info.maxBindingBytes`, so that large data is split earlier. */
  maxBindingBytes?: number | undefined;
  /** Vulkan: run under the validation layer; what it says goes to `onWarning`. */
  validation?: boolean | undefined;
  /** For compiled pipelines; the user's cache folder by default, false for none. */
  cacheFolder?: string | false | undefined;
  /** Gets warnings; by default they become warnings of the process. `Device.open` lists their codes. */
  onWarning?: ((message: string, code: WarningCode) => void) | undefined;
}

const OPEN_OPTIONS = [
  'backend',
  'index',
  'software',
  'threads',
  'memoryLimitBytes',
  'maxBindingBytes',
  'validation',
  'cacheFolder',
  'onWarning',
];

function checkOpenOptions(where: string, options: DeviceOpenOptions): void {
  checkOptions(where, options, OPEN_OPTIONS);
  const { backend, index, software, threads, memoryLimitBytes, maxBindingBytes, validation, cacheFolder } = options;
  if (backend !== undefined) checkOneOf(where, 'backend', backend, BACKENDS);
  if (index !== undefined) checkInteger(where, 'index', index, { min: 0, max: 9999 });
  if (index !== undefined && backend === undefined) throw new TypeError(`${where}: index must come with a backend`);
  if (software !== undefined) checkBoolean(where, 'software', software);
  if (threads !== undefined) checkInteger(where, 'threads', threads, { min: 1, max: 1024 });
  const bytes = { min: 1, max: Number.MAX_SAFE_INTEGER };
  if (memoryLimitBytes !== undefined) checkInteger(where, 'memoryLimitBytes', memoryLimitBytes, bytes);
  if (maxBindingBytes !== undefined) checkInteger(where, 'maxBindingBytes', maxBindingBytes, { ...bytes, min: 256 });
  if (validation !== undefined) checkBoolean(where, 'validation', validation);
  if (cacheFolder !== undefined && cacheFolder !== false) checkString(where, 'cacheFolder', cacheFolder);
  if (options.onWarning !== undefined) checkFunction(where, 'onWarning', options.onWarning);
}

function cacheFolder({ cacheFolder: asked }: DeviceOpenOptions, warn: Warn): string {
  if (asked === false) return '';
  const folder = asked ?? defaultCacheFolder();
  if (isWritableFolder(folder)) return folder;
  if (asked !== undefined) {
    warn(`cacheFolder ${asked} cannot be written to: compiled pipelines are not kept`, 'WAVETILE_CACHE_FOLDER');
  }
  return '';
}

function nativeOptions(options: DeviceOpenOptions, folder: string): NativeOpenOptions {
  const { memoryLimitBytes = 0, maxBindingBytes = 0, threads = 0, validation = false } = options;
  return { memoryLimitBytes, maxBindingBytes, threads, validation, cacheFolder: folder };
}

function freezeInfo(info: DeviceInfo): DeviceInfo {
  for (const list of [info.features, info.matrixUnits, info.maxGrid]) Object.freeze(list);
  return Object.freeze(info);
}

/** For the package itself: what a device's tensors and programs share. */
export let sessionOfDevice: (device: Device) => Session;

/** A device that can be used; throws `DISPOSED`. */
export function checkDevice(where: string, value: unknown): asserts value is Device {
  if (!(value instanceof Device)) throw new TypeError(`${where}: device must be a Device, got ${describe(value)}`);
  sessionOfDevice(value).check(where);
}

/**
 * A GPU, or the CPU where there is none. Everything asked of a device happens in the order of the calls.
 *
 * @example
 * using device = await Device.open();
 * console.log(device.info.name);
 */
export class Device implements Disposable {
  readonly #session: Session;

  static {
    sessionOfDevice = (device) => device.#session;
  }

  private constructor(token: Token, session: Session) {
    checkToken(token, 'Device', 'Device.open');
    this.#session = session;
  }

  /** All devices of all backends, software ones too. The first call may take a moment: it starts the drivers. */
  static list(): DeviceInfo[] {
    return calling('Device.list', () => native().list()).map(freezeInfo);
  }

  /**
   * Opens the best device: discrete GPU, integrated GPU, Metal, CPU. `backend` and `index` insist, as does the
   * environment variable `WAVETILE_DEVICE` (`cpu`, `vulkan`, `vulkan:1`, `metal`) where they are not given.
   *
   * Rejects with `ComputeError` `NO_DEVICE` that says what was looked for. Warnings have these codes:
   * `WAVETILE_CACHE_FOLDER` (`cacheFolder` cannot be written to), `WAVETILE_VALIDATION` (a message of the validation
   * layer), `WAVETILE_MATRIX_UNITS` (the device's matrix units failed their test and are not used),
   * `WAVETILE_FEW_VECTORS` (fewer training vectors than clusters).
   */
  static open(options: DeviceOpenOptions = {}): Promise<Device> {
    const where = 'Device.open';
    checkOpenOptions(where, options);
    const asked = options.backend === undefined ? wishOfEnvironment() : undefined;
    return Device.#open(where, { software: options.software, ...(asked ?? options) }, options);
  }

  static async #open(where: string, wish: DeviceWish, options: DeviceOpenOptions): Promise<Device> {
    const { validation = false } = options;
    const warn = warnThrough(options.onWarning);
    const devices = await awaiting(where, async () => native().listAsync(wish.backend));
    const chosen = choose(devices, wish);
    if (!chosen) throw noDevice(wish, devices);
    const settings = nativeOptions(options, cacheFolder(options, warn));
    const opened = await awaiting(where, () => native().open(chosen.backend, chosen.index, settings));
    return new Device(TOKEN, new Session(opened.device, freezeInfo(opened.info), { validation, warn }));
  }

  /** What the device is and can do. */
  get info(): DeviceInfo {
    return this.#session.info;
  }

  get disposed(): boolean {
    return this.#session.disposed;
  }

  /** Memory in use, pooled and free. `allocations` does not grow in a steady state. */
  memory(): MemoryInfo {
    this.#session.check('device.memory');
    return this.#session.native.memory(this.#session.handle);
  }

  /** Gives pooled memory back to the system. It happens by itself when memory is short. */
  releasePools(): void {
    this.#session.check('device.releasePools');
    this.#session.native.releasePools(this.#session.handle);
  }

  /** A tensor with undefined contents. Throws `ComputeError` `OUT_OF_MEMORY`. */
  tensor(type: DataType, shape: readonly number[]): Tensor {
    const where = 'device.tensor';
    this.#session.check(where);
    checkOneOf(where, 'type', type, Object.keys(DATA_TYPES) as DataType[]);
    return allocateTensor(this, this.#session, type, checkShape(where, shape));
  }

  /**
   * A tensor with the contents of `array`, whose kind gives the type (a Uint16Array holds `f16` bits).
   * `shape` is `[array.length]` by default.
   */
  tensorFrom(array: TypedArray, shape?: readonly number[]): Promise<Tensor> {
    const where = 'device.tensorFrom';
    this.#session.check(where);
    const type = dataTypeOf(array);
    if (!type) throw new TypeError(`${where}: array must be a typed array of 8 to 32 bits, got ${describe(array)}`);
    checkArray(where, 'array', array, type);
    const sides = checkShape(where, shape ?? [array.length]);
    if (lengthOf(sides) !== array.length) {
      throw new RangeError(`${where}: array must have ${lengthOf(sides)} elements for its shape, got ${array.length}`);
    }
    return this.#tensorFrom(array, type, sides);
  }

  /**
   * Records a program: `build` is called at once with a recorder. Resolves when the program is compiled, which may take
   * seconds the first time a kernel is used on a machine.
   */
  record(build: (recorder: Recorder) => void): Promise<Program> {
    const where = 'device.record';
    this.#session.check(where);
    checkFunction(where, 'build', build);
    const session = this.#session;
    const { commands, labels } = recordCommands(where, session, build);
    return awaiting(where, async () => {
      const handle = await session.native.createProgram(session.handle, commands);
      session.reportMessages();
      return makeProgram({ session, handle, labels });
    });
  }

  /**
   * Writes a Chrome trace of every command that is run during `work`; open it at ui.perfetto.dev. Resolves with what
   * `work` resolves with. The trace is written even when `work` fails. Where `path` cannot be written to it rejects
   * with Node's error, and `work` is never called.
   */
  profile<T>(path: string, work: () => Promise<T>): Promise<T> {
    const where = 'device.profile';
    this.#session.check(where);
    checkString(where, 'path', path);
    checkFunction(where, 'work', work);
    return this.#profile(path, work);
  }

  /** Work in flight completes in the background; the device's tensors and programs cannot be used any more. */
  dispose(): void {
    this.#session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #tensorFrom(array: TypedArray, type: DataType, shape: readonly number[]): Promise<Tensor> {
    const tensor = allocateTensor(this, this.#session, type, shape);
    try {
      await tensor.write(array);
      return tensor;
    } catch (error) {
      tensor.dispose();
      throw error;
    }
  }

  async #profile<T>(path: string, work: () => Promise<T>): Promise<T> {
    const trace = new Trace();
    let result: Promise<T> | undefined;
    const write = async (file: OutputFile) => {
      result = this.#traced(trace, work);
      await result.catch(() => undefined);
      await file.append(trace.encode(this.info));
    };
    try {
      await writeAtomically(path, write);
    } catch (error) {
      await result; // the work's own error comes first
      throw error;
    }
    return result as Promise<T>;
  }

  async #traced<T>(trace: Trace, work: () => Promise<T>): Promise<T> {
    this.#session.traces.add(trace);
    try {
      return await work();
    } finally {
      this.#session.traces.delete(trace);
    }
  }
}
