// The only loader of the addon, and the types of what it exports.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TypedArray } from './data-types.js';
import { ComputeError } from './errors.js';

declare const tag: unique symbol;
export type NativeDevice = { readonly [tag]: 'device' };
export type NativeBuffer = { readonly [tag]: 'buffer' };
export type NativeProgram = { readonly [tag]: 'program' };
export type NativeFile = { readonly [tag]: 'file' };

export type Backend = 'vulkan' | 'metal' | 'cpu';

/** What a device is and can do. */
export interface DeviceInfo {
  readonly backend: Backend;
  /** Number within its backend. */
  readonly index: number;
  readonly kind: 'discrete' | 'integrated' | 'virtual' | 'software' | 'cpu';
  readonly name: string;
  readonly vendor: string;
  readonly driver: string;
  readonly apiVersion: string;
  readonly features: readonly string[];
  /** Matrix shapes and types that the hardware multiplies, such as `16x16x16 f16 f16 f32 f32`. */
  readonly matrixUnits: readonly string[];
  readonly subgroupSize: number;
  readonly minSubgroupSize: number;
  readonly maxSubgroupSize: number;
  /** Threads of the CPU device; 0 on a GPU. */
  readonly computeThreads: number;
  readonly memoryBytes: number;
  /** Most bytes that one buffer of a dispatch may span. */
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  /** A bound slice must begin at a multiple of this many bytes. */
  readonly bindingAlignment: number;
  readonly maxGrid: readonly [number, number, number];
  readonly maxWorkgroupInvocations: number;
  readonly maxSharedBytes: number;
  readonly timestamps: boolean;
  readonly unifiedMemory: boolean;
}

export interface MemoryInfo {
  /** In use by tensors, programs and results that were not collected yet. */
  readonly liveBytes: number;
  /** Freed and kept for reuse. */
  readonly pooledBytes: number;
  /** Greatest `liveBytes` so far. */
  readonly peakBytes: number;
  /** Calls to the system's allocator since the device was opened. */
  readonly allocations: number;
  /** What can still be allocated, as far as the system says. */
  readonly freeBytes: number;
}

export interface NativeOpenOptions {
  memoryLimitBytes: number;
  maxBindingBytes: number;
  threads: number;
  validation: boolean;
  cacheFolder: string;
}

/** Flat runs of buffer, offset, bytes. */
export type NativeRanges = (NativeBuffer | number)[];

export type NativeCommand =
  | {
      kind: 'dispatch';
      kernel: string;
      ranges: NativeRanges;
      params: Uint8Array;
      constants: Uint32Array;
      grid: readonly [number, number, number];
      indirect: NativeRanges;
    }
  | { kind: 'copy'; ranges: NativeRanges }
  | { kind: 'fill'; ranges: NativeRanges; value: number };

export interface NativeRunResult {
  outputs: TypedArray[];
  /** When timed: flat runs of command, begin and end in microseconds. */
  times?: Float64Array;
}

export interface Diagnosis {
  readonly backend: string;
  readonly lines: readonly string[];
}

export interface Native {
  list(backend?: string): DeviceInfo[];
  listAsync(backend?: string): Promise<DeviceInfo[]>;
  diagnose(): Diagnosis[];
  open(backend: string, index: number, options: NativeOpenOptions): Promise<{ device: NativeDevice; info: DeviceInfo }>;
  close(device: NativeDevice): void;
  memory(device: NativeDevice): MemoryInfo;
  releasePools(device: NativeDevice): void;
  takeMessages(device: NativeDevice): string[];
  allocate(device: NativeDevice, bytes: number): NativeBuffer;
  freeBuffer(buffer: NativeBuffer): void;
  createProgram(device: NativeDevice, commands: readonly NativeCommand[]): Promise<NativeProgram>;
  freeProgram(program: NativeProgram): void;
  /** `writes`: flat runs of array, buffer, offset. `readbacks`: of buffer, offset, bytes, array type, array or undefined. */
  run(
    device: NativeDevice,
    program: NativeProgram | null,
    writes: readonly unknown[],
    readbacks: readonly unknown[],
    timed: boolean,
  ): Promise<NativeRunResult>;
  openFile(path: string): Promise<{ file: NativeFile; bytes: number }>;
  closeFile(file: NativeFile): void;
  /** Once cancelled, `done` settles soon: rejected, or resolved when nothing was left to do. */
  load(
    file: NativeFile,
    offset: number,
    device: NativeDevice,
    buffer: NativeBuffer,
    bufferOffset: number,
    bytes: number,
  ): { done: Promise<void>; cancel(): void };
}

function glibc(): string {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime ?? 'none (musl?)';
}

function loadFailure(root: string, cause: unknown): ComputeError {
  const libc = process.platform === 'linux' ? `, glibc ${glibc()}` : '';
  const reason = (cause instanceof Error ? cause.message : String(cause)).trim();
  const message = [
    'cannot load the native addon of wavetile',
    `  this is ${process.platform}-${process.arch}, Node ${process.version}${libc}`,
    `  looked for build/Release/*.node and prebuilds/${process.platform}-${process.arch}/*.node in ${root}`,
    `  ${reason.replaceAll('\n', '\n  ')}`,
  ].join('\n');
  const suggestion =
    'in a clone run `npm run build`; in a project run `npm rebuild wavetile`, which needs CMake and a C++20 compiler where there is no prebuilt addon';
  return new ComputeError('UNSUPPORTED', message, { suggestion, cause });
}

/** Where package.json is: above dist/runtime, src/runtime, or a compiled copy that tests and benchmarks use. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

let loaded: Native | undefined;

/** The addon, loaded on first use, so that importing the package never fails. */
export function native(): Native {
  if (loaded) return loaded;
  const root = packageFolder();
  try {
    const require = createRequire(import.meta.url);
    loaded = require('node-gyp-build')(root) as Native;
    return loaded;
  } catch (error) {
    throw loadFailure(root, error);
  }
}
