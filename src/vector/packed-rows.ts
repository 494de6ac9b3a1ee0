// Vectors on their way to the device: checked, normalised where the metric asks for it, and interleaved.
import type { Device } from '../runtime/device.js';
import type { Program } from '../runtime/program.js';
import { Tensor } from '../runtime/tensor.js';
import { linearGrid, NONE, packedLength, type RowLayout, roundUp, TILE } from './layout.js';
import type { VectorInput } from './vector-input.js';

/** Bytes of row-major vectors that are uploaded at a time. */
const SLICE_BYTES = 32 << 20;
/** And the share of the free device memory that such a slice may take at most. */
const SLICE_SHARE = 1 / 16;

/** Packed vectors on a device. `tensor` holds a multiple of 128 rows, zero past the last one. */
export interface PackedRows {
  readonly tensor: Tensor;
  readonly rows: number;
  readonly layout: RowLayout;
}

export interface PackOptions {
  readonly where: string;
  readonly layout: RowLayout;
  readonly normalize: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with a RangeError that names the first vector with a NaN or infinite number. */
export function rejectInvalid(where: string, firstInvalid: number, offset = 0): void {
  if (firstInvalid === NONE) return;
  throw new RangeError(`${where}: vector ${offset + firstInvalid} has a number that is NaN, infinite or too large`);
}

/** Packs vectors [first, first + count) into a new tensor. The caller disposes of it. */
export async function packRows(
  device: Device,
  vectors: VectorInput,
  range: { first: number; count: number },
  options: PackOptions,
): Promise<PackedRows> {
  const packed = device.tensor('f32', [packedLength(range.count, options.layout.chunks)]);
  try {
    const packer = new Packer(device, vectors, options);
    try {
      await packer.pack(range, packed);
    } finally {
      packer.dispose();
    }
    return { tensor: packed, rows: range.count, layout: options.layout };
  } catch (error) {
    packed.dispose();
    throw error;
  }
}

/** Uploads and packs slice by slice, so that the raw copy on the device stays small whatever the input's size. */
class Packer {
  readonly #device: Device;
  readonly #vectors: VectorInput;
  readonly #options: PackOptions;
  readonly #sliceRows: number;
  readonly #invalid: Tensor;
  #raw: Tensor | undefined;

  constructor(device: Device, vectors: VectorInput, options: PackOptions) {
    this.#device = device;
    this.#vectors = vectors;
    this.#options = options;
    const rowBytes = Math.max(options.layout.dimensions * 4, options.layout.chunks * 16);
    const sliceBytes = Math.min(SLICE_BYTES, device.memory().freeBytes * SLICE_SHARE);
    this.#sliceRows = Math.max(TILE, Math.floor(sliceBytes / rowBytes / TILE) * TILE);
    this.#invalid = device.tensor('u32', [1]);
  }

  async pack({ first, count }: { first: number; count: number }, packed: Tensor): Promise<void> {
    const { chunks } = this.#options.layout;
    for (let done = 0; done < count; done += this.#sliceRows) {
      this.#options.signal?.throwIfAborted();
      const rows = Math.min(this.#sliceRows, count - done);
      const target = packed.slice(done * chunks * 4, packedLength(rows, chunks));
      const firstInvalid = await this.#packSlice(first + done, rows, target);
      rejectInvalid(this.#options.where, firstInvalid, first + done);
    }
  }

  async #packSlice(first: number, rows: number, target: Tensor): Promise<number> {
    const { dimensions } = this.#options.layout;
    const { signal } = this.#options;
    const source = await this.#source(first * dimensions, rows * dimensions);
    using program = await this.#record(source.tensor, rows, target);
    const { outputs } = await program.run({ write: source.write, read: [this.#invalid], signal });
    return outputs[0][0];
  }

  /** The slice as a tensor: part of the user's own, or a copy. Small copies travel with the program's run. */
  async #source(offset: number, length: number): Promise<{ tensor: Tensor; write: [Tensor, Float32Array][] }> {
    if (this.#vectors instanceof Tensor) return { tensor: this.#vectors.slice(offset, length), write: [] };
    this.#raw ??= this.#device.tensor('f32', [length]); // the first slice is the longest
    const tensor = this.#raw.slice(0, length);
    const slice = this.#vectors.subarray(offset, offset + length);
    if (slice.byteLength <= 1 << 20) return { tensor, write: [[tensor, slice]] };
    await tensor.write(slice);
    return { tensor, write: [] };
  }

  #record(source: Tensor, rows: number, packed: Tensor): Promise<Program> {
    const { layout, normalize } = this.#options;
    return this.#device.record((recorder) => {
      recorder.fill(this.#invalid, NONE);
      recorder.dispatch('pack_rows', {
        buffers: { source, packed, firstInvalid: this.#invalid },
        params: {
          rows,
          paddedRows: roundUp(rows, TILE),
          dimensions: layout.dimensions,
          subdimensions: layout.subdimensions,
          chunks: layout.chunks,
        },
        constants: { check: 1, normalize },
        grid: linearGrid(roundUp(rows, TILE) / 32),
      });
    });
  }

  dispose(): void {
    this.#invalid.dispose();
    this.#raw?.dispose();
  }
}

/** Reads packed rows back as row-major numbers. */
export async function unpackRows(device: Device, packed: PackedRows, signal?: AbortSignal): Promise<Float32Array> {
  const { rows, layout } = packed;
  const length = rows * layout.dimensions;
  using flat = device.tensor('f32', [length]);
  using program = await device.record((recorder) => {
    recorder.dispatch('unpack_rows', {
      buffers: { packed: packed.tensor, rowsOut: flat },
      params: { rows, dimensions: layout.dimensions, subdimensions: layout.subdimensions, chunks: layout.chunks },
      grid: linearGrid(Math.ceil(length / 256)),
    });
  });
  const { outputs } = await program.run({ read: [flat], signal });
  return outputs[0] as Float32Array;
}
