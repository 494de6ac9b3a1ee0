// Recorded encodes and decodes, kept for numbers of rows that come again: a repeated call allocates nothing.
import type { Device } from '../runtime/device.js';
import type { Program, Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { NONE, TILE } from './layout.js';
import type { CodecNetwork, CodeTensors } from './neural-codec-network.js';
import { rejectInvalid } from './packed-rows.js';
import { Workspace } from './workspace.js';

/** Recorded runs that are kept, the least recently used go first. */
const RUNS_KEPT = 8;
const MEMORY_SHARE = 0.25;
const NO_INVALID = Uint32Array.of(NONE);

/** Rows that a run is recorded for: eight sizes from each power of two to the next. */
function bucketRows(count: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(count - 1, 1))) - 3);
  return Math.ceil(count / step) * step;
}

/** A recorded program with the tensors it owns. */
class Run {
  readonly #work: Workspace;
  program: Program | undefined;

  constructor(
    work: Workspace,
    readonly vectors: Tensor,
    readonly tensors: CodeTensors,
    readonly firstInvalid: Tensor,
  ) {
    this.#work = work;
  }

  dispose(): void {
    this.program?.dispose();
    this.#work.dispose();
  }
}

/** Programs recorded for tensors of the caller's. */
interface TensorRun {
  readonly tensors: readonly Tensor[];
  readonly program: Promise<Program>;
}

export class CodecRuns {
  readonly #network: CodecNetwork;
  readonly #runs = new Map<string, Promise<Run>>();
  #tensorRuns: TensorRun[] = [];
  #firstInvalid: Tensor | undefined;

  constructor(network: CodecNetwork) {
    this.#network = network;
  }

  /** Rows that one run may have: by memory, by the size of a binding, and a bucket's own number. */
  rowsPerRun(): number {
    const { device, shape, codeWords, hiddenBytes } = this.#network;
    const vectorBytes = shape.dimensions * 4;
    const widest = Math.max(vectorBytes, codeWords * 4, ...shape.hidden.map((width) => width * 4));
    const byMemory = (device.memory().freeBytes * MEMORY_SHARE) / (vectorBytes + codeWords * 4 + 4 + hiddenBytes);
    const byBinding = device.info.maxBindingBytes / widest;
    const rows = Math.min(byMemory, byBinding, device.info.maxGrid[0] * TILE);
    return Math.max(TILE, 2 ** Math.floor(Math.log2(rows)));
  }

  /** `codes` has room for whole words of each vector. Rejects with the number of the first vector that is not finite. */
  async encode(
    where: string,
    vectors: Float32Array,
    out: { codes: Int8Array; scales: Float32Array },
    first: number,
  ): Promise<void> {
    const rows = out.scales.length;
    const run = await this.#run('encode', rows, (recorder, call) => this.#network.recordEncode(recorder, call));
    const { codes, scales } = run.tensors;
    const { outputs } = await (run.program as Program).run({
      write: [
        [run.vectors, vectors],
        [run.firstInvalid, NO_INVALID],
      ],
      read: [run.firstInvalid, codes.slice(0, out.codes.length), scales.slice(0, rows)],
      out: [undefined, out.codes, out.scales],
    });
    // Rows past these are left over from earlier runs and do not matter.
    if (outputs[0][0] < rows) rejectInvalid(where, outputs[0][0], first);
  }

  /** The vectors of whole-word codes, in `out` or in a new array. */
  async decode(codes: Int8Array, scales: Float32Array, out: Float32Array | undefined): Promise<Float32Array> {
    const rows = scales.length;
    const run = await this.#run('decode', rows, (recorder, call) => this.#network.recordDecode(recorder, call));
    const { outputs } = await (run.program as Program).run({
      write: [
        [run.tensors.codes, codes],
        [run.tensors.scales, scales],
      ],
      read: [run.vectors.slice(0, rows * this.#network.shape.dimensions)],
      out: [out],
    });
    return outputs[0] as Float32Array;
  }

  #run(
    kind: string,
    count: number,
    record: (recorder: Recorder, call: Parameters<CodecNetwork['recordEncode']>[1]) => void,
  ): Promise<Run> {
    const rows = bucketRows(count);
    const name = `${kind} ${rows}`;
    const run = this.#runs.get(name) ?? this.#record(rows, record);
    this.#runs.delete(name);
    this.#runs.set(name, run);
    run.catch(() => this.#runs.delete(name));
    const [oldest] = this.#runs;
    if (this.#runs.size > RUNS_KEPT && oldest !== undefined) {
      this.#runs.delete(oldest[0]);
      oldest[1].then(
        (old) => old.dispose(),
        () => undefined,
      );
    }
    return run;
  }

  async #record(
    rows: number,
    record: (recorder: Recorder, call: Parameters<CodecNetwork['recordEncode']>[1]) => void,
  ): Promise<Run> {
    const { device, shape, codeWords } = this.#network;
    const work = new Workspace(device);
    try {
      const tensors = { codes: work.tensor('i8', rows * codeWords * 4), scales: work.tensor('f32', rows) };
      const run = new Run(work, work.tensor('f32', rows * shape.dimensions), tensors, work.tensor('u32', 1));
      const { vectors, firstInvalid } = run;
      run.program = await device.record((recorder) =>
        record(recorder, { ...tensors, vectors, rows, firstInvalid, work }),
      );
      return run;
    } catch (error) {
      work.dispose();
      throw error;
    }
  }

  async encodeTo(where: string, vectors: Tensor, target: CodeTensors, signal?: AbortSignal): Promise<void> {
    const firstInvalid = this.#firstInvalid ?? this.#network.device.tensor('u32', [1]);
    this.#firstInvalid = firstInvalid;
    const rows = vectors.length / this.#network.shape.dimensions;
    const program = await this.#tensorRun([vectors, target.codes, target.scales], (recorder, work) => {
      recorder.fill(firstInvalid, NONE);
      this.#network.recordEncode(recorder, { ...target, vectors, rows, firstInvalid, work });
    });
    const { outputs } = await program.run({ read: [firstInvalid], ...(signal ? { signal } : {}) });
    rejectInvalid(where, outputs[0][0]);
  }

  async decodeTo(source: CodeTensors, vectors: Tensor, signal?: AbortSignal): Promise<void> {
    const rows = vectors.length / this.#network.shape.dimensions;
    const program = await this.#tensorRun([source.codes, source.scales, vectors], (recorder, work) =>
      this.#network.recordDecode(recorder, { ...source, vectors, rows, work }),
    );
    await program.run(signal ? { signal } : {});
  }

  /** The program for these very tensors, in this order. */
  #tensorRun(tensors: readonly Tensor[], record: (recorder: Recorder, work: Workspace) => void): Promise<Program> {
    const same = (run: TensorRun) => run.tensors.every((tensor, i) => tensor === tensors[i]);
    const known = this.#tensorRuns.find(same);
    this.#dropTensorRuns((run) => run.tensors.some((tensor) => tensor.disposed));
    if (known !== undefined) return known.program;
    const device: Device = this.#network.device;
    const work = new Workspace(device);
    const program = device.record((recorder) => record(recorder, work));
    // The program keeps the memory of what it was recorded with.
    work.dispose();
    const run = { tensors, program };
    this.#tensorRuns.push(run);
    program.catch(() => this.#dropTensorRuns((other) => other === run));
    const oldest = this.#tensorRuns.length > RUNS_KEPT ? this.#tensorRuns[0] : undefined;
    this.#dropTensorRuns((other) => other === oldest);
    return program;
  }

  #dropTensorRuns(gone: (run: TensorRun) => boolean): void {
    for (const run of this.#tensorRuns)
      if (gone(run))
        run.program.then(
          (old) => old.dispose(),
          () => undefined,
        );
    this.#tensorRuns = this.#tensorRuns.filter((run) => !gone(run));
  }

  dispose(): void {
    this.#dropTensorRuns(() => true);
    for (const run of this.#runs.values())
      run.then(
        (old) => old.dispose(),
        () => undefined,
      );
    this.#runs.clear();
    this.#firstInvalid?.dispose();
  }
}
