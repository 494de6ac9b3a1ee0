// The SIFT10K vectors where they are present beside the checkout; tests that need them skip with this reason elsewhere.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readFvecs, readIvecs } from '../../src/index.js';

const folder = fileURLToPath(new URL('../../../shared/data/sift/', import.meta.url));

export const SIFT_MISSING = existsSync(folder) ? undefined : `no SIFT10K in ${folder}`;
export const DIMENSIONS = 128;
export const TRUTH_K = 100;

export interface Sift {
  readonly base: Float32Array;
  readonly queries: Float32Array;
  /** [query × 100] exact neighbours. */
  readonly truth: Int32Array;
  readonly queryCount: number;
}

export async function readSift(): Promise<Sift> {
  const [base, queries, truth] = await Promise.all([
    readFvecs(`${folder}siftsmall_base.fvecs`),
    readFvecs(`${folder}siftsmall_query.fvecs`),
    readIvecs(`${folder}siftsmall_groundtruth.ivecs`),
  ]);
  return { base: base.data, queries: queries.data, truth: truth.data, queryCount: queries.count };
}

/** Share of the true k nearest that were found. */
export function recall(ids: ArrayLike<number | bigint>, { truth, queryCount }: Sift, k: number): number {
  let found = 0;
  for (let q = 0; q < queryCount; q++) {
    const near = new Set(truth.subarray(q * TRUTH_K, q * TRUTH_K + k));
    for (let i = 0; i < k; i++) if (near.has(Number(ids[q * k + i]))) found++;
  }
  return found / (queryCount * k);
}

/** Share of queries whose nearest neighbour is among the k found. */
export function nearestRecall(ids: ArrayLike<number | bigint>, { truth, queryCount }: Sift, k: number): number {
  let found = 0;
  for (let q = 0; q < queryCount; q++)
    for (let i = 0; i < k; i++) if (Number(ids[q * k + i]) === truth[q * TRUTH_K]) found++;
  return found / queryCount;
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

export function row(vectors: Float32Array, i: number, dimensions = DIMENSIONS): Float32Array {
  return vectors.subarray(i * dimensions, (i + 1) * dimensions);
}
