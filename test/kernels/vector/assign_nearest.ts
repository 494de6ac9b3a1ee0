// assign_nearest: the nearest cluster of each point and its distance, per subspace.
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { layoutOf, pack, subvector } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';
import { distance, INNER_PRODUCT, L2, squaredNorms } from '../../support/reference.js';

interface Shape {
  rows: number;
  clusters: number;
  dimensions: number;
  subspaces?: number;
  kind?: DataKind;
  metric?: number;
  unrolled?: number;
}

function nearest(shape: Shape) {
  const { rows, clusters, dimensions, subspaces = 1, kind = 'normal', metric = L2, unrolled } = shape;
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks } = layout;
  const random = new Random(rows * 31 + clusters * 7 + dimensions);
  const points = random.rows(kind, rows, dimensions);
  const centroids = random.rows(kind, clusters, dimensions);
  const pointNorms = squaredNorms(points, layout);
  const centroidNorms = squaredNorms(centroids, layout);
  const labels = words(subspaces * rows);
  const distances = floats(subspaces * rows);
  const tolerances = new Float64Array(subspaces * rows);
  for (let m = 0; m < subspaces; m++) {
    for (let r = 0; r < rows; r++) {
      const point = subvector(points, layout, r, m);
      let best = Number.POSITIVE_INFINITY;
      let label = 0;
      let scale = pointNorms[m * rows + r];
      for (let k = 0; k < clusters; k++) {
        const value = distance(metric, point, subvector(centroids, layout, k, m));
        scale = Math.max(scale, centroidNorms[m * clusters + k]);
        if (value < best) [best, label] = [value, k];
      }
      const at = m * rows + r;
      tolerances[at] = 5e-7 * scale * (2 + Math.sqrt(layout.subdimensions));
      distances.written(at);
      distances.values[at] = best;
      if (kind === 'integer') labels.set(at, label);
      else labels.written(at);
    }
  }
  /** Rounding may swap near ties: the chosen cluster's exact distance must be the least, within what f32 resolves. */
  const check = (outputs: Outputs): string | undefined => {
    for (let at = 0; at < tolerances.length; at++) {
      const [m, r, label] = [Math.floor(at / rows), at % rows, outputs.labels[at]];
      if (label >= clusters) return `labels: [${at}] is ${label} of ${clusters} clusters`;
      const chosen = distance(metric, subvector(points, layout, r, m), subvector(centroids, layout, label, m));
      const least = distances.values[at];
      if (!(chosen <= least + tolerances[at])) return `labels: [${at}] is at ${chosen}, the nearest at ${least}`;
      const told = outputs.distances[at];
      if (!(Math.abs(told - least) <= tolerances[at])) return `distances: [${at}] must be ${least}, got ${told}`;
    }
    return undefined;
  };
  const buffers = {
    points: pack(points, layout, centroids),
    centroids: pack(centroids, layout, points),
    pointNorms: Float32Array.from(pointNorms),
    centroidNorms: Float32Array.from(centroidNorms),
    labels,
    distances,
  };
  const grid = [Math.ceil(rows / 128), subspaces] as const;
  const constants = unrolled === undefined ? { metric } : { metric, unrolled };
  return { buffers, params: { rows, clusters, chunks, subspaceChunks }, constants, grid, check };
}

const shapes: Shape[] = [
  { rows: 1, clusters: 3, dimensions: 1 },
  { rows: 127, clusters: 3, dimensions: 3 },
  { rows: 128, clusters: 128, dimensions: 16 },
  { rows: 129, clusters: 127, dimensions: 7 },
  { rows: 129, clusters: 129, dimensions: 100 },
  { rows: 257, clusters: 300, dimensions: 128, kind: 'clustered' },
  { rows: 130, clusters: 257, dimensions: 130, kind: 'uniform' },
  { rows: 129, clusters: 16, dimensions: 21, subspaces: 3 },
  { rows: 200, clusters: 256, dimensions: 128, subspaces: 8, kind: 'clustered' },
  { rows: 30, clusters: 256, dimensions: 24, subspaces: 8 },
  { rows: 300, clusters: 200, dimensions: 3, kind: 'integer' },
  { rows: 129, clusters: 140, dimensions: 16, subspaces: 8, kind: 'integer' },
  { rows: 129, clusters: 130, dimensions: 100, kind: 'offset' },
];
const both = [L2, INNER_PRODUCT].flatMap((metric) => shapes.map((shape) => ({ ...shape, metric })));
/** The form that GPUs run, so that software Vulkan sees it too, and the other. */
const forms = [1, 0].map((unrolled): Shape => ({ rows: 129, clusters: 140, dimensions: 70, metric: L2, unrolled }));

export default cases(
  'assign_nearest',
  [...both, ...forms].map((shape) => {
    const { rows, clusters, dimensions, subspaces = 1, kind = 'normal', metric, unrolled } = shape;
    const metricName = metric === L2 ? 'L2' : 'inner product';
    return {
      name: `${metricName} ${rows} x ${dimensions}, K ${clusters}, M ${subspaces}, ${kind}${unrolled === undefined ? '' : `, unrolled ${unrolled}`}`,
      make: () => nearest(shape),
    };
  }),
);
