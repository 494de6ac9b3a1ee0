// Long inputs in pieces small enough to be aborted between, freed after, and bound whole.
import type { Device } from '../runtime/device.js';
import { TILE } from './layout.js';
import { type PackedRows, type PackOptions, packRows } from './packed-rows.js';
import type { VectorInput } from './vector-input.js';

/** A multiple of a tile, and fewer than the workgroups along one side of a grid: kernels may take one for each row. */
const CHUNK_ROWS = 65408;
/** Share of the free device memory that one chunk and its workspace may take. */
const MEMORY_SHARE = 0.25;

/** Rows of a chunk when each row needs `bytesPerRow` on the device, of which at most `boundBytes` in one tensor. */
export function chunkRows(device: Device, bytesPerRow: number, boundBytes: number): number {
  const byMemory = (device.memory().freeBytes * MEMORY_SHARE) / bytesPerRow;
  const byBinding = device.info.maxBindingBytes / boundBytes;
  return Math.max(TILE, Math.floor(Math.min(CHUNK_ROWS, byMemory, byBinding) / TILE) * TILE);
}

interface ChunkOptions extends PackOptions {
  /** Device bytes beside the packed row itself that the work needs for each row. */
  readonly workspaceBytes: number;
  /** `done` of `total` rows are finished. */
  readonly onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
}

/** Packs chunk after chunk of `vectors` and gives each to `use`; frees it when `use` has ended. */
export async function forEachChunk(
  device: Device,
  vectors: VectorInput,
  options: ChunkOptions,
  use: (rows: PackedRows, first: number) => Promise<void>,
): Promise<void> {
  const { layout, workspaceBytes, signal, onProgress } = options;
  const total = vectors.length / layout.dimensions;
  const rowBytes = layout.chunks * 16;
  const step = chunkRows(device, rowBytes + workspaceBytes, Math.max(rowBytes, workspaceBytes));
  for (let first = 0; first < total; first += step) {
    signal?.throwIfAborted();
    const count = Math.min(step, total - first);
    const rows = await packRows(device, vectors, { first, count }, options);
    try {
      await use(rows, first);
    } finally {
      rows.tensor.dispose();
    }
    onProgress?.({ done: first + count, total });
  }
}
