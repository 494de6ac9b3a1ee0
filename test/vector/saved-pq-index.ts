// A saved IVF-PQ index read without the library's search code: each vector's list and the vector its code stands for.
import type { Ids, Metric } from '../../src/index.js';
import { openIndexFile } from '../../src/vector/index-file.js';
import { dot, squaredDistance } from '../support/reference.js';
import { decode, misplacedParts } from './codes.js';
import { row } from './sift.js';

interface Meta {
  readonly dimensions: number;
  readonly metric: Metric;
  readonly lists: number;
  readonly subspaces: number;
  readonly bits: number;
}

export interface StoredVector {
  readonly list: number;
  readonly code: Uint8Array;
  /** Centroid plus codewords. */
  readonly approximation: Float32Array;
}

export interface SavedPqIndex {
  readonly meta: Meta;
  readonly centroids: Float32Array;
  readonly codebooks: Float32Array;
  readonly vectors: ReadonlyMap<number, StoredVector>;
}

/** A row's code: 16-byte chunks, 32 rows of a group side by side. */
function codeAt(storage: Uint8Array, slot: number, codeBytes: number): Uint8Array {
  const chunks = Math.ceil(codeBytes / 16);
  const [group, lane] = [Math.floor(slot / 32), slot % 32];
  const at = (byte: number) => ((group * chunks + Math.floor(byte / 16)) * 32 + lane) * 16 + (byte % 16);
  return Uint8Array.from({ length: codeBytes }, (_, byte) => storage[at(byte)]);
}

export async function readSavedPqIndex(path: string): Promise<SavedPqIndex> {
  const file = await openIndexFile(path, { kind: 'ivf-pq' });
  try {
    const meta = file.meta as Meta;
    const centroids = (await file.read('centroids')) as Float32Array;
    const codebooks = (await file.read('codebooks')) as Float32Array;
    const listRows = (await file.read('listRows')) as Uint32Array;
    const groups = (await file.read('groups')) as Uint32Array;
    const ids = (await file.read('ids')) as Uint32Array;
    const storage = new Uint8Array((await file.read('storage')).buffer);
    const vectors = new Map<number, StoredVector>();
    let begin = 0;
    for (const [list, rows] of listRows.entries()) {
      for (let i = 0; i < rows; i++) {
        const slot = groups[begin + Math.floor(i / 32)] * 32 + (i % 32);
        const code = codeAt(storage, slot, Math.ceil((meta.subspaces * meta.bits) / 8));
        const centroid = row(centroids, list, meta.dimensions);
        const approximation = decode(code, { ...meta, codebooks }).map((x, d) => x + centroid[d]);
        vectors.set(ids[slot], { list, code, approximation });
      }
      begin += Math.ceil(rows / 32);
    }
    return { meta, centroids, codebooks, vectors };
  } finally {
    await file.close();
  }
}

/** Smaller is nearer. */
const farness = (metric: Metric, a: Float32Array, b: Float32Array) =>
  metric === 'l2' ? squaredDistance(a, b) : -dot(a, b);

const prepared = (metric: Metric, vector: Float32Array) => {
  const length = Math.sqrt(dot(vector, vector));
  return metric === 'cosine' ? vector.map((x) => x / length) : vector;
};

/** Ids of vectors that are, beyond rounding, not in the list of their nearest centroid or not coded as they should be. */
export function misplacedVectors(saved: SavedPqIndex, vectors: Float32Array): number[] {
  const { meta, centroids, codebooks } = saved;
  const { dimensions, metric, lists } = meta;
  const centroid = (list: number) => row(centroids, list, dimensions);
  const isRight = (id: number, { list, code }: StoredVector) => {
    const vector = prepared(metric, row(vectors, id, dimensions));
    const nearest = Math.min(...Array.from({ length: lists }, (_, l) => farness(metric, vector, centroid(l))));
    const residual = vector.map((x, d) => x - centroid(list)[d]);
    if (farness(metric, vector, centroid(list)) > nearest + 1e-4) return false;
    return misplacedParts(residual, code, { ...meta, codebooks }).length === 0;
  };
  return [...saved.vectors].filter(([id, stored]) => !isRight(id, stored)).map(([id]) => id);
}

/** The largest error of the distances found for a query, judged by the vectors that the codes stand for. */
export function worstDistance(
  { meta: { metric }, vectors }: SavedPqIndex,
  query: Float32Array,
  { ids, distances }: { ids: Ids; distances: Float32Array },
): number {
  let worst = 0;
  for (const [i, distance] of distances.entries()) {
    const { approximation } = vectors.get(Number(ids[i])) as StoredVector;
    const expected = farness(metric, prepared(metric, query), approximation) * (metric === 'l2' ? 1 : -1);
    worst = Math.max(worst, Math.abs(distance - expected) / (1 + Math.abs(expected)));
  }
  return worst;
}
