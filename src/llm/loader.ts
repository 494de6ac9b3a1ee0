// From model files to weights on the device: raw bytes go to landing tensors at the speed of the disk, and what has landed
// is packed into tiles while the next bytes arrive.
import { recordRepack } from '../nn/repack.js';
import { Weights } from '../nn/weights.js';
import { type AbortOptions, onAbort } from '../runtime/abort.js';
import type { Device } from '../runtime/device.js';
import { FileSource } from '../runtime/file-source.js';
import type { Tensor } from '../runtime/tensor.js';
import { checkRunOptions } from '../runtime/validate.js';
import { type Batch, batchesOf, type LoadPlan, type Piece, sourceBytes } from './load-plan.js';
import { type LoadProgress, ProgressReport } from './load-progress.js';
import { loadVectors } from './load-vectors.js';

export type { LoadPlan, MatrixPart, MatrixPlan, VectorPart, VectorPlan } from './load-plan.js';
export type { LoadProgress } from './load-progress.js';

interface LoadOptions extends AbortOptions {
  /** At most about ten times a second, and when the last byte has arrived. */
  onProgress?: ((progress: LoadProgress) => void) | undefined;
}

const LANDINGS = 3;
const LANDING_BYTES = 64 * 2 ** 20;
/** What slices of the file take on their way, with the pool's rounding. */
const STAGING_BYTES = 16 * 5 * 2 ** 20;

const landingBytesOf = (device: Device, plan: LoadPlan): number => {
  const matrixBytes = plan.matrices
    .flatMap(({ parts }) => parts)
    .reduce((sum, { source }) => sum + source.bytes + 16, 0);
  const bytes = Math.min(LANDING_BYTES, device.info.maxBindingBytes, Math.max(16, matrixBytes));
  return Math.floor(bytes / 16) * 16;
};

/** Device bytes that loading takes on top of the weights, and gives back. */
export function loadingBytes(device: Device, plan: LoadPlan): number {
  return LANDINGS * landingBytesOf(device, plan) + STAGING_BYTES;
}

/** Matrices and vectors by the names that the plan gives them. */
export class LoadedWeights implements Disposable {
  readonly matrices = new Map<string, Weights>();
  readonly vectors = new Map<string, Tensor>();

  matrix(name: string): Weights {
    const weights = this.matrices.get(name);
    if (!weights) throw new RangeError(`there is no matrix '${name}'`);
    return weights;
  }

  vector(name: string): Tensor {
    const tensor = this.vectors.get(name);
    if (!tensor) throw new RangeError(`there is no vector '${name}'`);
    return tensor;
  }

  /** Device bytes. */
  get bytes(): number {
    return [...this.matrices.values(), ...this.vectors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  dispose(): void {
    for (const one of [...this.matrices.values(), ...this.vectors.values()]) one.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Loads what the plan names. When it rejects nothing is left on the device.
 *
 * @throws ComputeError `OUT_OF_MEMORY`, `INVALID_FILE` where a file is truncated or cannot be read, `UNSUPPORTED`.
 */
export function loadWeights(device: Device, plan: LoadPlan, options: LoadOptions = {}): Promise<LoadedWeights> {
  const where = 'loadWeights';
  checkRunOptions(where, options, ['signal', 'onProgress']);
  return new Loader(device, plan, options).load();
}

class Loader {
  readonly #device: Device;
  readonly #plan: LoadPlan;
  readonly #loaded = new LoadedWeights();
  readonly #files = new Map<string, FileSource>();
  readonly #landings: Tensor[] = [];
  readonly #report: ProgressReport;
  /** Aborts when the caller does, and when one part fails, so that the others need not go on. */
  readonly #controller = new AbortController();
  readonly #signal = this.#controller.signal;
  readonly #forget: (() => void) | undefined;

  constructor(device: Device, plan: LoadPlan, { signal, onProgress }: LoadOptions) {
    this.#device = device;
    this.#plan = plan;
    this.#report = new ProgressReport(sourceBytes(plan), onProgress);
    this.#forget = signal && onAbort(signal, () => this.#controller.abort(signal.reason));
  }

  async load(): Promise<LoadedWeights> {
    try {
      this.#signal.throwIfAborted();
      const batches = await this.#prepare();
      const vectors = loadVectors(this.#device, this.#plan.vectors, this.#loaded.vectors, {
        signal: this.#signal,
        onRead: (bytes, tensor) => this.#report.add(bytes, tensor),
      });
      await this.#together([vectors, ...this.#lanes(batches)]);
      return this.#loaded;
    } catch (error) {
      this.#loaded.dispose();
      throw error;
    } finally {
      this.#forget?.();
      for (const landing of this.#landings) landing.dispose();
      for (const file of this.#files.values()) file.dispose();
    }
  }

  /** Memory before anything is read, so that a device that is too small says so at once. */
  async #prepare(): Promise<Batch[]> {
    const landingBytes = landingBytesOf(this.#device, this.#plan);
    const batches = batchesOf(this.#plan.matrices, landingBytes);
    for (const { name, shape } of this.#plan.matrices)
      this.#loaded.matrices.set(name, Weights.allocate(this.#device, shape));
    for (let i = 0; i < Math.min(LANDINGS, batches.length); i++)
      this.#landings.push(this.#device.tensor('u32', [landingBytes / 4]));
    for (const path of new Set(batches.flat().map(({ source }) => source.path)))
      this.#files.set(path, await FileSource.open(path));
    return batches;
  }

  /** Each landing tensor takes the next batch when it is free. */
  #lanes(batches: readonly Batch[]): Promise<void>[] {
    const waiting = batches.values();
    return this.#landings.map(async (landing) => {
      for (const batch of waiting) {
        this.#signal.throwIfAborted();
        await this.#together(batch.map((piece) => this.#land(piece, landing)));
        await this.#repack(batch, landing);
      }
    });
  }

  async #land({ source, offset, bytes, landingOffset }: Piece, landing: Tensor): Promise<void> {
    const file = this.#files.get(source.path) as FileSource;
    await file.load(landing, { offset, bytes, tensorOffset: landingOffset, signal: this.#signal });
    this.#report.add(bytes, source.name);
  }

  async #repack(batch: Batch, source: Tensor): Promise<void> {
    using program = await this.#device.record((recorder) => {
      for (const {
        matrix,
        landingOffset,
        rows,
        firstTile,
        tileStep,
        source: { type },
      } of batch)
        recordRepack(recorder, {
          weights: this.#loaded.matrix(matrix.name),
          source,
          sourceType: type,
          sourceOffset: landingOffset,
          rows,
          firstTile,
          tileStep,
          group: matrix.group ?? 32,
        });
    });
    await program.run();
  }

  /** Settles when all have; the first error stops the others. */
  async #together(work: readonly Promise<void>[]): Promise<void> {
    for (const one of work) one.catch((error) => this.#controller.abort(error));
    await Promise.allSettled(work);
    this.#signal.throwIfAborted();
  }
}
