// codec_encode: vectors to int8 codes with a scale each.
import { activate } from '../../support/activation.js';
import { cases, floats, type Outputs, words } from '../../support/cases.js';
import { layoutOf, NONE, pack } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';

interface Shape {
  rows: number;
  dimensions: number;
  latent: number;
  activation?: number;
  normalize?: number;
  kind?: DataKind;
  /** Rows with a number that is not finite. */
  invalid?: readonly number[];
  zero?: readonly number[];
  /** Default: as suits the device. */
  unrolled?: number;
}

/** The latent of each row in float64, in units of its scale. */
function reference(shape: Shape, vectors: Float32Array, weights: Float32Array, bias: Float32Array) {
  const { rows, dimensions, latent, activation = 0, normalize = 0 } = shape;
  const units = new Float64Array(rows * latent);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const z = new Float64Array(latent);
    for (let l = 0; l < latent; l++) {
      z[l] = bias[l];
      for (let d = 0; d < dimensions; d++) z[l] += weights[l * dimensions + d] * vectors[r * dimensions + d];
      z[l] = activate(activation, z[l]);
    }
    const most = z.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    const size = normalize && most > 0 ? Math.hypot(...z) : 1;
    scales[r] = most / 127 / size;
    for (let l = 0; l < latent; l++) units[r * latent + l] = most > 0 ? (z[l] / most) * 127 : 0;
  }
  return { units, scales };
}

/** A code may differ from the exact one where that lies within rounding of a half. */
function judgeCodes(units: Float64Array, latent: number, skip: ReadonlySet<number>) {
  return (outputs: Outputs): string | undefined => {
    const codes = new Int8Array((outputs.codes as Uint32Array).slice().buffer);
    const stride = Math.ceil(latent / 4) * 4;
    for (let r = 0; r * stride < codes.length; r++) {
      for (let i = 0; i < stride && !skip.has(r); i++) {
        const exact = i < latent ? units[r * latent + i] : 0;
        const got = codes[r * stride + i];
        if (Math.abs(got - exact) > 0.5 + (i < latent ? 2e-3 : -0.5))
          return `codes: row ${r} [${i}] must be ${exact}, got ${got}`;
      }
    }
    return undefined;
  };
}

function encode(shape: Shape) {
  const { rows, dimensions, latent, activation = 0, normalize = 0, kind = 'normal' } = shape;
  const { invalid = [], zero = [], unrolled } = shape;
  const random = new Random(rows + dimensions * 7 + latent);
  const vectors = random.rows(kind, rows, dimensions);
  for (const r of zero) vectors.fill(0, r * dimensions, (r + 1) * dimensions);
  const weights = random.rows('normal', latent, dimensions);
  const bias = zero.length > 0 ? new Float32Array(latent) : random.rows('normal', 1, latent);
  const { units, scales: exact } = reference(shape, vectors, weights, bias);
  for (const [i, r] of invalid.entries())
    vectors[r * dimensions + dimensions - 1] = [Number.NaN, Infinity, -Infinity][i % 3];
  const skip = new Set(invalid);
  const layout = layoutOf(dimensions);
  const codes = words(rows * Math.ceil(latent / 4));
  for (let i = 0; i < codes.length; i++) codes.written(i);
  const scales = floats(rows);
  for (let r = 0; r < rows; r++)
    if (skip.has(r)) scales.any(r);
    else scales.set(r, exact[r]);
  const firstInvalid = words(1, { initial: Uint32Array.of(NONE) }).setAll([Math.min(NONE, ...invalid)]);
  return {
    buffers: { vectors, weights: pack(weights, layout, weights), bias, codes, scales, firstInvalid },
    params: { rows, dimensions, latentDimensions: latent },
    constants: { activation, normalize, ...(unrolled === undefined ? {} : { unrolled }) },
    grid: [Math.ceil(rows / 128)] as const,
    check: judgeCodes(units, latent, skip),
  };
}

const shapes: Record<string, Shape> = {
  'one vector, one dimension': { rows: 1, dimensions: 1, latent: 1 },
  '3 x 7 to 5': { rows: 3, dimensions: 7, latent: 5 },
  '128 x 128 to 32, unrolled': { rows: 128, dimensions: 128, latent: 32, unrolled: 1 },
  '129 x 300 to 128': { rows: 129, dimensions: 300, latent: 128 },
  '130 x 140 to 130': { rows: 130, dimensions: 140, latent: 130 },
  '130 x 140 to 130, not unrolled': { rows: 130, dimensions: 140, latent: 130, unrolled: 0 },
  '20 x 300 to 257, normalized': { rows: 20, dimensions: 300, latent: 257, normalize: 1 },
  'large offset': { rows: 40, dimensions: 64, latent: 16, kind: 'offset' },
  ReLU: { rows: 40, dimensions: 30, latent: 20, activation: 1 },
  'GELU, normalized': { rows: 40, dimensions: 30, latent: 20, activation: 2, normalize: 1 },
  'zero vectors': { rows: 140, dimensions: 30, latent: 20, normalize: 1, zero: [0, 77, 139] },
  'NaN and infinity': { rows: 200, dimensions: 33, latent: 12, invalid: [150, 131, 190] },
};

export default cases(
  'codec_encode',
  Object.entries(shapes).map(([name, shape]) => ({
    name,
    make: () => encode(shape),
    slowToCompile: shape.unrolled === 1,
  })),
);
