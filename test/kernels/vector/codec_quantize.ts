// codec_quantize: latents to what their codes stand for, and the gradient through the scaling to length 1.
import { cases, floats } from '../../support/cases.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  latent: number;
  normalize?: number;
  backward?: number;
}

function quantize({ rows, latent: count, normalize = 0, backward = 0 }: Shape) {
  const random = new Random(rows * 5 + count);
  const latent = random.rows('normal', rows, count);
  if (rows > 2) latent.fill(0, count, 2 * count);
  // Exact halves would let rounding decide.
  const gradient = random.rows('normal', rows, count);
  const rounded = floats(rows * count);
  for (let r = 0; r < rows; r++) {
    const z = latent.subarray(r * count, (r + 1) * count);
    const g = gradient.subarray(r * count, (r + 1) * count);
    const most = z.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    const squares = z.reduce((sum, x) => sum + x * x, 0);
    const along = z.reduce((sum, x, i) => sum + x * g[i], 0);
    const size = normalize && squares > 0 ? Math.sqrt(squares) : 1;
    for (let i = 0; i < count; i++) {
      const units = Math.fround(Math.fround(z[i] / most) * 127);
      const forward = most > 0 ? (Math.floor(units + 0.5) * (most / 127)) / size : 0;
      const through = squares > 0 ? (g[i] - z[i] * (along / squares)) / size : 0;
      const tie = !backward && most > 0 && Math.abs(units - Math.floor(units) - 0.5) < 1e-3;
      if (tie) rounded.any(r * count + i);
      else rounded.set(r * count + i, backward ? through : forward);
    }
  }
  const params = { rows, latentDimensions: count };
  return {
    buffers: { latent, gradient, rounded },
    params,
    constants: { normalize, backward },
    grid: [Math.ceil(rows / 8)] as const,
  };
}

const shapes: Record<string, Shape> = {
  'one number': { rows: 1, latent: 1 },
  '9 x 32': { rows: 9, latent: 32 },
  '33 x 130': { rows: 33, latent: 130 },
  '33 x 31, normalized': { rows: 33, latent: 31, normalize: 1 },
  'backward, 17 x 40': { rows: 17, latent: 40, normalize: 1, backward: 1 },
  'backward, 3 x 200': { rows: 3, latent: 200, normalize: 1, backward: 1 },
};

export default cases(
  'codec_quantize',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => quantize(shape) })),
);
