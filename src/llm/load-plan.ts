// What a loader reads and where it goes, cut into batches that fit a landing tensor.
import { TILE_ROWS, type WeightShape } from '../nn/weights.js';
import { ComputeError } from '../runtime/errors.js';
import type { SourceTensor } from './source-tensor.js';

/** A tensor of a file whose rows fill tiles of a matrix. */
export interface MatrixPart {
  readonly source: SourceTensor;
  /** Tile that its first 32 rows go to; 0 by default. */
  readonly firstTile?: number;
  /** From a tile to that of the next 32 rows: 2 where two tensors take turns. 1 by default. */
  readonly tileStep?: number;
}

export interface MatrixPlan {
  readonly name: string;
  readonly shape: WeightShape;
  /** Together they fill every tile. */
  readonly parts: readonly MatrixPart[];
  /** Weights that share a scale where plain numbers are quantized; 32 by default. */
  readonly group?: number;
}

export interface VectorPart {
  readonly source: SourceTensor;
  /** Element that its first number goes to; 0 by default. */
  readonly first?: number;
}

/** Numbers of one row, f32 on the device; what no part fills is zero. */
export interface VectorPlan {
  readonly name: string;
  readonly length: number;
  readonly parts: readonly VectorPart[];
  /** Added to each number of the file. */
  readonly add?: number;
}

export interface LoadPlan {
  readonly matrices: readonly MatrixPlan[];
  readonly vectors: readonly VectorPlan[];
}

/** Rows of a part, and where in the landing tensor they begin. */
export interface Piece {
  readonly matrix: MatrixPlan;
  readonly source: SourceTensor;
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly firstTile: number;
  readonly tileStep: number;
  readonly landingOffset: number;
}

export type Batch = readonly Piece[];

const LANDING_ALIGNMENT = 16;
const ORDER = new Intl.Collator('en');

const bytesOf = (plans: readonly { readonly parts: readonly { readonly source: SourceTensor }[] }[]): number =>
  plans.reduce((sum, { parts }) => sum + parts.reduce((bytes, { source }) => bytes + source.bytes, 0), 0);

/** Bytes that are read. */
export const sourceBytes = ({ matrices, vectors }: LoadPlan): number => bytesOf(matrices) + bytesOf(vectors);

function checkParts({ name, shape, parts }: MatrixPlan): void {
  const tiles = new Uint8Array(Math.ceil(shape.rows / TILE_ROWS));
  for (const { source, firstTile = 0, tileStep = 1 } of parts) {
    if (source.columns !== shape.columns)
      throw new RangeError(`loadWeights: ${name}: ${source.name} must have ${shape.columns} columns`);
    for (let i = 0; i < Math.ceil(source.rows / TILE_ROWS); i++) {
      const tile = firstTile + i * tileStep;
      if (tile >= tiles.length || tiles[tile]++ > 0)
        throw new RangeError(`loadWeights: ${name}: ${source.name} must have tile ${tile} for itself`);
    }
  }
  const empty = tiles.indexOf(0);
  if (empty >= 0) throw new RangeError(`loadWeights: ${name}: parts must fill tile ${empty}`);
}

interface Place {
  readonly matrix: MatrixPlan;
  readonly part: MatrixPart;
}

/** Whole tiles of rows of a part, as many as fit. */
function* piecesOf({ matrix, part }: Place, landingBytes: number): Generator<Omit<Piece, 'landingOffset'>> {
  const { source, firstTile = 0, tileStep = 1 } = part;
  const rowBytes = source.bytes / source.rows;
  const tiles = Math.floor(landingBytes / (rowBytes * TILE_ROWS));
  const most = source.bytes <= landingBytes ? source.rows : tiles * TILE_ROWS;
  if (most === 0) {
    const needed = rowBytes * TILE_ROWS;
    const message = `${source.path}: 32 rows of '${source.name}' are ${needed} bytes, and ${landingBytes} can be loaded at a time`;
    throw new ComputeError('UNSUPPORTED', message);
  }
  for (let first = 0; first < source.rows; first += most) {
    const rows = Math.min(most, source.rows - first);
    const target = { rows, firstTile: firstTile + (first / TILE_ROWS) * tileStep, tileStep };
    yield { matrix, source, offset: source.offset + first * rowBytes, bytes: rows * rowBytes, ...target };
  }
}

/** In the order of the files, so that they are read from front to back. */
export function batchesOf(matrices: readonly MatrixPlan[], landingBytes: number): Batch[] {
  for (const matrix of matrices) checkParts(matrix);
  const places = matrices.flatMap((matrix) => matrix.parts.map((part): Place => ({ matrix, part })));
  places.sort(
    ({ part: { source: a } }, { part: { source: b } }) => ORDER.compare(a.path, b.path) || a.offset - b.offset,
  );
  const batches: Piece[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const place of places) {
    for (const piece of piecesOf(place, landingBytes)) {
      if (used + piece.bytes > landingBytes) {
        batches.push([]);
        used = 0;
      }
      batches[batches.length - 1].push({ ...piece, landingOffset: used });
      used = Math.ceil((used + piece.bytes) / LANDING_ALIGNMENT) * LANDING_ALIGNMENT;
    }
  }
  return batches;
}
