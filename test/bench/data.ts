// Random data for benchmarks: millions of clustered rows in seconds, the same on every machine.
import { Random } from '../support/random.js';

const TABLE = 1 << 16;

function normals(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Normally distributed numbers, drawn from a table at a random place for each stretch of 1024. */
export function noise(count: number, seed: number): Float32Array {
  const random = new Random(seed);
  const table = normals(random, TABLE + 1024);
  const values = new Float32Array(count);
  for (let begin = 0; begin < count; begin += 1024) {
    const from = random.below(TABLE);
    values.set(table.subarray(from, from + Math.min(1024, count - begin)), begin);
  }
  return values;
}

export interface RowsOptions {
  rows: number;
  dimensions: number;
  /** Other rows of the same distribution. */
  draw?: number;
}

const CLUSTERS = 1000;
const LATENT = 16;
const kept = new Map<string, Float32Array>();

/**
 * Clustered rows near a 16-dimensional subspace, as learned vectors are: exact neighbours are found from codes. The same
 * rows are made once.
 */
export function clusteredRows({ rows, dimensions, draw = 0 }: RowsOptions): Float32Array {
  const key = `${rows} ${dimensions} ${draw}`;
  const values = kept.get(key) ?? makeRows(rows, dimensions, draw);
  kept.set(key, values);
  return values;
}

function makeRows(rows: number, dimensions: number, draw: number): Float32Array {
  const shared = new Random(1);
  const basis = normals(shared, LATENT * dimensions);
  const centers = normals(shared, CLUSTERS * LATENT);
  const random = new Random(7919 * (draw + 1));
  const table = normals(random, TABLE + dimensions + LATENT);
  const values = new Float32Array(rows * dimensions);
  for (let row = 0; row < rows; row++) {
    const target = values.subarray(row * dimensions, (row + 1) * dimensions);
    const center = random.below(CLUSTERS) * LATENT;
    const from = random.below(TABLE);
    for (let d = 0; d < dimensions; d++) target[d] = 0.1 * table[from + LATENT + d];
    for (let j = 0; j < LATENT; j++) {
      const scale = centers[center + j] + 0.5 * table[from + j];
      for (let d = 0; d < dimensions; d++) target[d] += scale * basis[j * dimensions + d];
    }
  }
  return values;
}
