// How rows lie on the device: groups of 32 rows, a row in 16-byte chunks, so that 32 lanes read 512 contiguous bytes.

/** Rows of one interleaved group. */
export const GROUP = 32;
/** Rows that one workgroup of the tiled kernels takes; packed tensors hold a multiple of it. */
export const TILE = 128;
/** "No such list, row or slot" on the device. */
export const NONE = 0xffffffff;

/** The shape of a packed row: `subspaces` sub-vectors, each padded with zeros to whole chunks of four floats. */
export interface RowLayout {
  readonly dimensions: number;
  readonly subspaces: number;
  readonly subdimensions: number;
  readonly subspaceChunks: number;
  readonly chunks: number;
}

export function rowLayout(dimensions: number, subspaces = 1): RowLayout {
  const subdimensions = dimensions / subspaces;
  const subspaceChunks = Math.ceil(subdimensions / 4);
  return { dimensions, subspaces, subdimensions, subspaceChunks, chunks: subspaces * subspaceChunks };
}

/** The same packed rows, pads and all, seen as one space: what a coarse quantizer clusters. */
export function wholeRows(layout: RowLayout): RowLayout {
  return { ...layout, subspaces: 1, subspaceChunks: layout.chunks };
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Floats of a packed tensor that holds `rows` rows. */
export function packedLength(rows: number, chunks: number): number {
  return roundUp(Math.max(rows, 1), TILE) * chunks * 4;
}

const MAX_GRID = 65535;

/** A grid of at least `workgroups` workgroups for kernels that number them linearly. */
export function linearGrid(workgroups: number): readonly [number, number] {
  if (workgroups <= MAX_GRID) return [Math.max(workgroups, 1), 1];
  const rows = Math.ceil(workgroups / MAX_GRID);
  return [Math.ceil(workgroups / rows), rows];
}

/** The grid of an elementwise kernel: workgroups of 256 invocations. */
export function elementGrid(invocations: number): readonly [number, number] {
  return linearGrid(Math.ceil(invocations / 256));
}
