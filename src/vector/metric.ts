// The three metrics as kernels and results see them.

/**
 * How vectors are compared.
 * - `l2`: squared Euclidean distance, smaller is nearer.
 * - `inner-product`: dot product, larger is nearer.
 * - `cosine`: dot product of vectors scaled to length 1, larger is nearer; a zero vector has similarity 0 to all.
 */
export type Metric = 'l2' | 'inner-product' | 'cosine';

export const METRICS: readonly Metric[] = ['l2', 'inner-product', 'cosine'];

/** What a metric means to a kernel: its constant, and whether rows are scaled to length 1 on their way in. */
export function metricConstants(metric: Metric): { metric: number; normalize: number } {
  return { metric: metric === 'l2' ? 0 : 1, normalize: metric === 'cosine' ? 1 : 0 };
}

/** Kernels minimise; users see similarities. Turns kernel values into results in place; a missing result is ±Infinity. */
export function presentDistances(values: Float32Array, metric: Metric): Float32Array {
  if (metric !== 'l2') for (let i = 0; i < values.length; i++) values[i] = -values[i];
  return values;
}
