// adam_step: one step of Adam over a flat array of weights.
import { cases, floats, folded } from '../../support/cases.js';
import { Random } from '../../support/random.js';

function step({ count, step: at }: { count: number; step: number }) {
  const random = new Random(count + at);
  const before = random.rows('normal', 1, count);
  const gradient = random.rows('normal', 1, count);
  const held = random.rows('uniform', 1, count * 2).map((x, i) => (i % 2 === 1 ? x * x : x));
  const schedule = Float32Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 0.01 * (i + 1) : 1e-6));
  const weights = floats(count, { initial: before });
  const moments = floats(count * 2, { initial: held });
  for (let i = 0; i < count; i++) {
    const mean = held[i * 2] * 0.9 + 0.1 * gradient[i];
    const square = held[i * 2 + 1] * 0.999 + 0.001 * gradient[i] ** 2;
    moments.set(i * 2, mean);
    moments.set(i * 2 + 1, square);
    weights.set(i, before[i] - (schedule[at * 2] * mean) / (Math.sqrt(square) + schedule[at * 2 + 1]));
  }
  const buffers = { weights, gradient, moments, schedule };
  return { buffers, params: { count, step: at }, grid: folded(Math.ceil(count / 256)) };
}

export default cases(
  'adam_step',
  [
    { count: 1, step: 0 },
    { count: 257, step: 3 },
    { count: 4000, step: 4 },
  ].map((shape) => ({ name: `${shape.count} weights, step ${shape.step}`, make: () => step(shape) })),
);
