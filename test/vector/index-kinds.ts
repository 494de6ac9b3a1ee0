// The three kinds of index behind one interface, for behaviour that all of them share.
import { type Device, FlatIndex, IvfFlatIndex, IvfPqIndex, type Metric } from '../../src/index.js';
import { Random } from '../support/random.js';

export const DIMENSIONS = 16;
export const LISTS = 8;

export type AnyIndex = FlatIndex | IvfFlatIndex | IvfPqIndex;

export interface IndexOptions {
  readonly metric?: Metric;
  readonly signal?: AbortSignal;
  readonly onProgress?: () => void;
}

export interface IndexKind {
  readonly name: string;
  /** An empty index; `training` is for the kinds that need it. */
  create(device: Device, training: Float32Array, options?: IndexOptions): Promise<AnyIndex>;
  load(device: Device, path: string, options?: { signal?: AbortSignal }): Promise<AnyIndex>;
}

const shape = { dimensions: DIMENSIONS, lists: LISTS, iterations: 4, tolerance: 0 };

export const FLAT: IndexKind = {
  name: 'FlatIndex',
  create: async (device, _, { metric = 'l2' } = {}) => FlatIndex.create(device, { dimensions: DIMENSIONS, metric }),
  load: (device, path, options) => FlatIndex.load(device, path, options),
};

export const IVF_FLAT: IndexKind = {
  name: 'IvfFlatIndex',
  create: (device, training, options) => IvfFlatIndex.train(device, training, { ...shape, ...options }),
  load: (device, path, options) => IvfFlatIndex.load(device, path, options),
};

export const IVF_PQ: IndexKind = {
  name: 'IvfPqIndex',
  create: (device, training, options) => {
    return IvfPqIndex.train(device, training, { ...shape, subspaces: 8, bits: 4, ...options });
  },
  load: (device, path, options) => IvfPqIndex.load(device, path, options),
};

export const INDEX_KINDS: readonly IndexKind[] = [FLAT, IVF_FLAT, IVF_PQ];
export const TRAINED_KINDS: readonly IndexKind[] = [IVF_FLAT, IVF_PQ];

/** Seeded vectors of the shared dimensions. */
export function vectorsOf(count: number, seed: number): Float32Array {
  return new Random(seed).rows('clustered', count, DIMENSIONS);
}

export function slice(vectors: Float32Array, first: number, end: number): Float32Array {
  return vectors.subarray(first * DIMENSIONS, end * DIMENSIONS);
}
