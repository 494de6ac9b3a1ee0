// Training vectors as packed chunks: kept on the device when they fit, uploaded again for each pass when they do not.
import type { Device } from '../runtime/device.js';
import type { Tensor } from '../runtime/tensor.js';
import { TILE } from './layout.js';
import { type PackedRows, type PackOptions, packRows } from './packed-rows.js';
import type { VectorInput } from './vector-input.js';

/** Share of the free device memory that resident training vectors may take. */
const RESIDENT_SHARE = 0.5;
/** Share that one chunk may take when they do not fit. */
const STREAMING_SHARE = 0.2;

export class TrainingRows {
  readonly count: number;
  readonly chunkRows: number;
  readonly resident: boolean;
  readonly #device: Device;
  readonly #vectors: VectorInput;
  readonly #options: PackOptions;
  readonly #kept: PackedRows[] = [];

  /** `workspaceBytes`: what the training needs beside each row, for labels and the like. */
  constructor(device: Device, vectors: VectorInput, options: PackOptions & { workspaceBytes: number }) {
    this.#device = device;
    this.#vectors = vectors;
    this.#options = options;
    this.count = vectors.length / options.layout.dimensions;
    const rowBytes = options.layout.chunks * 16;
    const free = device.memory().freeBytes;
    this.resident = this.count * (rowBytes + options.workspaceBytes) <= free * RESIDENT_SHARE;
    const byMemory = this.resident ? Infinity : (free * STREAMING_SHARE) / (rowBytes + options.workspaceBytes);
    const byBinding = device.info.maxBindingBytes / Math.max(rowBytes, options.workspaceBytes);
    const fit = Math.floor(Math.min(byMemory, byBinding) / TILE) * TILE;
    this.chunkRows = Math.min(this.count, Math.max(TILE, fit));
  }

  get chunks(): number {
    return Math.ceil(this.count / this.chunkRows);
  }

  rowsOf(chunk: number): number {
    return Math.min(this.chunkRows, this.count - chunk * this.chunkRows);
  }

  /** Gives each chunk in turn to `use`; a chunk that is not kept is freed when `use` has ended. */
  async forEach(use: (rows: PackedRows, chunk: number) => Promise<void>): Promise<void> {
    for (let chunk = 0; chunk < this.chunks; chunk++) await this.visit(chunk, (rows) => use(rows, chunk));
  }

  /** Gives one chunk to `use`. */
  async visit(chunk: number, use: (rows: PackedRows) => Promise<void>): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const rows = this.#kept[chunk] ?? (await this.#load(chunk));
    try {
      await use(rows);
    } finally {
      if (!this.resident) rows.tensor.dispose();
    }
  }

  async #load(chunk: number): Promise<PackedRows> {
    const range = { first: chunk * this.chunkRows, count: this.rowsOf(chunk) };
    const rows = await packRows(this.#device, this.#vectors, range, this.#options);
    if (this.resident) this.#kept[chunk] = rows;
    return rows;
  }

  /** Copies the rows `ids[subspace * rows + k]` into `gathered`, wherever they lie. */
  async gather(ids: Uint32Array, rows: number, gathered: Tensor): Promise<void> {
    const { layout } = this.#options;
    const numbers = new Float32Array(rows * layout.dimensions);
    const width = layout.dimensions / layout.subspaces;
    const source = await this.#hostRows(ids);
    for (let m = 0; m < layout.subspaces; m++)
      for (let k = 0; k < rows; k++) {
        const from = source.offset(ids[m * rows + k]) + m * width;
        numbers.set(source.numbers.subarray(from, from + width), k * layout.dimensions + m * width);
      }
    using packed = (await packRows(this.#device, numbers, { first: 0, count: rows }, this.#options)).tensor;
    using copy = await this.#device.record((recorder) => recorder.copy(packed, gathered));
    await copy.run();
  }

  /** The vectors on the host; of a tensor only the rows asked for are read. */
  async #hostRows(ids: Uint32Array): Promise<{ numbers: Float32Array; offset: (id: number) => number }> {
    const { dimensions } = this.#options.layout;
    const vectors = this.#vectors;
    if (vectors instanceof Float32Array) return { numbers: vectors, offset: (id) => id * dimensions };
    const distinct = [...new Set(ids)];
    const numbers = new Float32Array(distinct.length * dimensions);
    const places = new Map(distinct.map((id, i) => [id, i * dimensions]));
    await Promise.all(
      distinct.map(async (id, i) => {
        numbers.set(
          (await vectors.read({ offset: id * dimensions, length: dimensions })) as Float32Array,
          i * dimensions,
        );
      }),
    );
    return { numbers, offset: (id) => places.get(id) as number };
  }

  dispose(): void {
    for (const rows of this.#kept) rows.tensor.dispose();
  }
}
