// Brute-force search in float64, and the judgement of float32 results by it.
import { expect } from 'vitest';
import type { Metric, SearchResult } from '../../src/index.js';
import { dot, squaredDistance } from '../support/reference.js';
import { row } from './sift.js';

export const NO_ID = 0xffffffff;
/** Relative to the distance (L2) or to the product of the vectors' lengths. */
const TOLERANCE = 1e-5;

export interface Exact {
  readonly base: Float32Array;
  readonly dimensions: number;
  readonly metric: Metric;
}

/** Distances of one query to every stored vector, and how far from each a float32 result may be. */
export function exactDistances(query: Float32Array, { base, dimensions, metric }: Exact) {
  const count = base.length / dimensions;
  const distances = new Float64Array(count);
  const tolerances = new Float64Array(count);
  const length = Math.sqrt(dot(query, query));
  for (let i = 0; i < count; i++) {
    const vector = row(base, i, dimensions);
    if (metric === 'l2') {
      distances[i] = squaredDistance(query, vector);
      tolerances[i] = TOLERANCE * distances[i];
    } else {
      const lengths = length * Math.sqrt(dot(vector, vector));
      const scale = metric === 'inner-product' ? 1 : lengths === 0 ? Infinity : lengths;
      distances[i] = dot(query, vector) / scale;
      tolerances[i] = TOLERANCE * (metric === 'inner-product' ? lengths : 1);
    }
  }
  return { distances, tolerances };
}

/** Expects the k nearest of each query, up to rounding, nearest first; `ids` are the rows' ids, or their numbers. */
export function expectNearest(
  result: SearchResult,
  queries: Float32Array,
  exact: Exact & { ids?: ArrayLike<number | bigint> },
): void {
  const { dimensions, metric, base, ids } = exact;
  const rows = new Map(ids && Array.from(ids, (id, i) => [id, i] as const));
  expect(result.count).toBe(queries.length / dimensions);
  expect(result.ids).toHaveLength(result.count * result.k);
  expect(result.distances).toHaveLength(result.count * result.k);
  const wrong: string[] = [];
  for (let q = 0; q < result.count; q++) {
    const { distances, tolerances } = exactDistances(row(queries, q, dimensions), exact);
    const ranked = distances.slice().sort();
    if (metric !== 'l2') ranked.reverse();
    const found = new Set<number>();
    for (let i = 0; i < Math.min(result.k, base.length / dimensions); i++) {
      const id = result.ids[q * result.k + i] as number | bigint;
      const at = ids ? (rows.get(id) ?? -1) : Number(id);
      const close = (value: number) => Math.abs(value - distances[at]) <= tolerances[at];
      const right = !found.has(at) && close(ranked[i]) && close(result.distances[q * result.k + i]);
      if (!right)
        wrong.push(`query ${q}, place ${i}: id ${id} at ${result.distances[q * result.k + i]}, not ${ranked[i]}`);
      found.add(at);
    }
    for (let i = base.length / dimensions; i < result.k; i++) {
      const id = result.ids[q * result.k + i];
      const distance = result.distances[q * result.k + i];
      if (id !== (typeof id === 'bigint' ? -1n : NO_ID) || distance !== (metric === 'l2' ? Infinity : -Infinity))
        wrong.push(`query ${q}, place ${i}: id ${id} at ${distance}, not a fill value`);
    }
  }
  expect(wrong.slice(0, 5)).toEqual([]);
}
