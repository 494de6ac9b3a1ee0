// codec_decode: int8 codes with a scale each to vectors.
import { activate, packCodes } from '../../support/activation.js';
import { cases, floats } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  dimensions: number;
  latent: number;
  activation?: number;
}

function decode({ rows, dimensions, latent, activation = 0 }: Shape) {
  const random = new Random(rows + dimensions * 7 + latent);
  const codes = Int8Array.from({ length: rows * latent }, () => random.below(255) - 127);
  const scales = Float32Array.from({ length: rows }, () => 0.01 * (0.5 + random.uniform()));
  const weights = random.rows('normal', dimensions, latent);
  const bias = random.rows('normal', 1, dimensions);
  const vectors = floats(rows * dimensions);
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < dimensions; n++) {
      let sum = 0;
      for (let k = 0; k < latent; k++) sum += codes[r * latent + k] * weights[n * latent + k];
      vectors.set(r * dimensions + n, activate(activation, scales[r] * sum + bias[n]));
    }
  }
  const layout = layoutOf(latent);
  const buffers = { codes: packCodes(codes, latent), scales, weights: pack(weights, layout, weights), bias, vectors };
  const params = { rows, dimensions, words: layout.chunks };
  const grid = [Math.ceil(dimensions / 128), Math.ceil(rows / 128)] as const;
  // A software device compiles the unrolled form for many seconds: of the codec's kernels one has it there.
  const form = dimensions === 128 ? { unrolled: 1 } : {};
  return { buffers, params, constants: { activation, ...form }, grid };
}

const shapes: readonly Shape[] = [
  { rows: 1, dimensions: 1, latent: 1 },
  { rows: 3, dimensions: 129, latent: 7 },
  { rows: 128, dimensions: 128, latent: 32 },
  { rows: 129, dimensions: 100, latent: 130 },
  { rows: 40, dimensions: 257, latent: 300 },
  { rows: 50, dimensions: 60, latent: 16, activation: 1 },
  { rows: 50, dimensions: 60, latent: 16, activation: 2 },
];

export default cases(
  'codec_decode',
  shapes.map((shape) => ({
    name: `${shape.rows} x ${shape.latent} to ${shape.dimensions}, activation ${shape.activation ?? 0}`,
    make: () => decode(shape),
  })),
);
