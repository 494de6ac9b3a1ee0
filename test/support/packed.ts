// The packed row layout: groups of 32 rows, chunks of four words, subspaces padded to whole chunks.

export const NONE = 0xffffffff;
export const TILE = 128;

export interface Layout {
  readonly dimensions: number;
  readonly subspaces: number;
  readonly subdimensions: number;
  readonly subspaceChunks: number;
  readonly chunks: number;
}

export function layoutOf(dimensions: number, subspaces = 1): Layout {
  const subdimensions = dimensions / subspaces;
  const subspaceChunks = Math.ceil(subdimensions / 4);
  return { dimensions, subspaces, subdimensions, subspaceChunks, chunks: subspaces * subspaceChunks };
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Index of a 16-byte chunk. */
export function chunkIndex(chunks: number, row: number, chunk: number): number {
  return (Math.floor(row / 32) * chunks + chunk) * 32 + (row % 32);
}

/** Index of the word that holds one dimension of one row. */
export function wordIndex(layout: Layout, row: number, dimension: number): number {
  const within = dimension % layout.subdimensions;
  const chunk = Math.floor(dimension / layout.subdimensions) * layout.subspaceChunks + (within >> 2);
  return chunkIndex(layout.chunks, row, chunk) * 4 + (within & 3);
}

type Words = Float32Array | Uint32Array;

/**
 * Row-major rows to packed rows with a whole number of tiles. Rows past the last repeat those of `filler`
 * (kernels must not look at them), or are zero.
 */
export function pack<T extends Words>(rows: T, layout: Layout, filler?: T): T {
  const count = rows.length / layout.dimensions;
  const padded = Math.max(TILE, roundUp(count, TILE));
  const packed = new (rows.constructor as new (length: number) => T)(padded * layout.chunks * 4);
  for (let row = 0; row < padded; row++) {
    const source = row < count ? rows : filler;
    if (source === undefined) break;
    const from = row < count ? row * layout.dimensions : ((row - count) * layout.dimensions) % source.length;
    for (let d = 0; d < layout.dimensions; d++) packed[wordIndex(layout, row, d)] = source[from + d];
  }
  return packed;
}

/** One sub-vector of a row-major array. */
export function subvector(rows: Float32Array, layout: Layout, row: number, subspace: number): Float32Array {
  const begin = row * layout.dimensions + subspace * layout.subdimensions;
  return rows.subarray(begin, begin + layout.subdimensions);
}
