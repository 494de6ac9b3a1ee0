// Plain float64 formulas that the kernels' references share.
import { type Layout, subvector } from './packed.js';

export const L2 = 0;
export const INNER_PRODUCT = 1;

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

/** Smaller is nearer for both metrics. */
export function distance(metric: number, a: ArrayLike<number>, b: ArrayLike<number>): number {
  return metric === L2 ? squaredDistance(a, b) : -dot(a, b);
}

/** Squared lengths per subspace: [m*rows + r]. */
export function squaredNorms(rows: Float32Array, layout: Layout): Float64Array {
  const count = rows.length / layout.dimensions;
  const norms = new Float64Array(count * layout.subspaces);
  for (let m = 0; m < layout.subspaces; m++) {
    for (let r = 0; r < count; r++) {
      const part = subvector(rows, layout, r, m);
      norms[m * count + r] = dot(part, part);
    }
  }
  return norms;
}

/** What count_labels, the scan and sort_labels make of labels [m*rows + r]. */
export function countingSort(labels: Uint32Array, shape: { rows: number; clusters: number; block: number }) {
  const { rows, clusters, block } = shape;
  const subspaces = labels.length / rows;
  const blocks = Math.ceil(rows / block);
  const counts = new Uint32Array(subspaces * clusters * blocks);
  const cell = (m: number, r: number) => (m * clusters + labels[m * rows + r]) * blocks + Math.floor(r / block);
  for (let m = 0; m < subspaces; m++) for (let r = 0; r < rows; r++) counts[cell(m, r)]++;
  const begins = new Uint32Array(counts.length);
  for (let i = 1; i < counts.length; i++) begins[i] = begins[i - 1] + counts[i - 1];
  const ends = begins.slice();
  const order = new Uint32Array(labels.length);
  for (let m = 0; m < subspaces; m++) for (let r = 0; r < rows; r++) order[ends[cell(m, r)]++] = r;
  return { blocks, counts, begins, ends, order };
}
