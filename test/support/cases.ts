// What a kernel case is: buffers, parameters, grid, and what must be in each written buffer afterwards.
import type { KernelName, KernelSignatures } from '../../src/kernels/generated.js';

export type Words = Float32Array | Uint32Array;

/** Fills written buffers before the run; as a float it is −6.26e18. */
export const POISON = 0xdeadbeef;

export enum Mark {
  untouched = 0,
  expected = 1,
  written = 2,
  any = 3,
}

export interface OutputOptions {
  /** Contents before the run; poison by default. */
  initial?: Words;
  /** Largest normalised mean squared error of the whole buffer (floats); 0 asks for equal values. */
  nmse?: number;
}

/**
 * A written buffer. The reference says what it writes and where: whatever it does not name must keep its contents.
 */
export class Output {
  readonly values: Float64Array;
  readonly marks: Uint8Array;
  readonly initial: Uint32Array;
  readonly nmse: number;

  constructor(
    readonly type: 'f32' | 'u32',
    readonly length: number,
    options: OutputOptions = {},
  ) {
    this.values = new Float64Array(length);
    this.marks = new Uint8Array(length);
    this.nmse = options.nmse ?? 1e-10;
    const { initial } = options;
    this.initial = new Uint32Array(length).fill(POISON);
    if (initial !== undefined) this.initial.set(new Uint32Array(initial.buffer, initial.byteOffset, initial.length));
  }

  set(index: number, value: number): void {
    this.values[index] = value;
    this.marks[index] = Mark.expected;
  }

  setAll(values: ArrayLike<number>): this {
    for (let i = 0; i < values.length; i++) this.set(i, values[i]);
    return this;
  }

  /** It must be written; the case's own check judges the value. */
  written(index: number): void {
    this.marks[index] = Mark.written;
  }

  /** Neither value nor being written matters. */
  any(index: number): void {
    this.marks[index] = Mark.any;
  }
}

export const floats = (length: number, options?: OutputOptions): Output => new Output('f32', length, options);
export const words = (length: number, options?: OutputOptions): Output => new Output('u32', length, options);

export type CaseBuffer = Words | Output;
export type Outputs = Record<string, Words>;

type Signature<K extends KernelName> = KernelSignatures[K];

export interface KernelRun<K extends KernelName> {
  buffers: { readonly [B in keyof Signature<K>['buffers']]: CaseBuffer };
  params: Signature<K>['params'];
  constants?: Partial<Signature<K>['constants']>;
  grid: readonly [number, number?, number?];
  /** Judges what equality cannot (ties, rounding); returns what is wrong. Loose: inputs were rounded to halves. */
  check?: (outputs: Outputs, isLoose?: boolean) => string | undefined;
}

export interface KernelCase<K extends KernelName = KernelName> {
  name: string;
  make: () => KernelRun<K>;
  /** Real GPUs and the CPU run it; compiling it takes a software device a quarter of a minute, for code it has in others. */
  slowToCompile?: boolean;
  /** Backend name to the reason for not running there. */
  skip?: Readonly<Record<string, string>>;
  /** The variant on matrix units cannot do it. */
  plainOnly?: boolean;
}

export interface KernelCases<K extends KernelName = KernelName> {
  kernel: K;
  list: readonly KernelCase<K>[];
}

export function cases<K extends KernelName>(kernel: K, list: readonly KernelCase<K>[]): KernelCases<K> {
  return { kernel, list };
}

/** A linear grid folded over y, as large grids are. */
export function folded(workgroups: number, width = 7): readonly [number, number] {
  return [Math.min(width, workgroups), Math.ceil(workgroups / width)];
}
