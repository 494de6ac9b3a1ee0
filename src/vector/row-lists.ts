// Lists that hold whole vectors: how rows get in, and how they are scanned.
import type { Device } from '../runtime/device.js';
import type { Recorder } from '../runtime/program.js';
import type { Tensor } from '../runtime/tensor.js';
import { elementGrid, GROUP } from './layout.js';
import type { PackedRows } from './packed-rows.js';
import type { Segment } from './paged-lists.js';
import type { ScanCall } from './search-plan.js';

/** Copies packed rows into their slots. */
export async function storeRows(
  device: Device,
  rows: PackedRows,
  slots: Tensor,
  segments: readonly Segment[],
  signal?: AbortSignal,
): Promise<void> {
  const { chunks } = rows.layout;
  using program = await device.record((recorder) => {
    for (const { tensor: storage, firstGroup, groupCount } of segments)
      recorder.dispatch('scatter_rows', {
        buffers: { packed: rows.tensor, slots, storage },
        params: { rows: rows.rows, chunks, firstSlot: firstGroup * GROUP, slotCount: groupCount * GROUP },
        grid: elementGrid(rows.rows * chunks),
      });
  });
  await program.run({ signal });
}

/** Distances of each query to the vectors of its probed lists in one segment. */
export function recordRowScan(recorder: Recorder, call: ScanCall, chunks: number, metric: number): void {
  const { queries, probes, offsets, distances, tables, segment, probeCount, stride, grid } = call;
  const { tensor: storage, firstGroup, groupCount } = segment;
  recorder.dispatch('scan_rows', {
    buffers: { queries: queries.tensor, probes, offsets, ...tables, storage, distances },
    params: { probeCount, chunks, stride, firstGroup, groupCount },
    constants: { metric },
    grid,
  });
}
