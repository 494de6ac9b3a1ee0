import { expect, test } from 'vitest';
import { type RopeTableScaling, ropeTable } from '../../src/nn/rope.js';

const dims = 8;
const theta = 10_000;

/** Angle of each pair at a position below half a turn, from its cosine and sine, and their common factor. */
function turnsOf(table: Float32Array, position: number): { angles: number[]; factors: number[] } {
  const pairs = Array.from({ length: dims / 2 }, (_, i) => table.subarray(position * dims + 2 * i).subarray(0, 2));
  return {
    angles: pairs.map(([cosine, sine]) => Math.atan2(sine, cosine)),
    factors: pairs.map(([cosine, sine]) => Math.hypot(cosine, sine)),
  };
}

const scaled = (scaling: RopeTableScaling, positions = 4) => turnsOf(ropeTable({ dims, positions, theta, scaling }), 1);

const near = (got: readonly number[], wanted: readonly number[]) => {
  expect(got).toHaveLength(wanted.length);
  for (const [i, value] of got.entries()) expect(Math.abs(value / wanted[i] - 1)).toBeLessThan(1e-5);
};

test('frequencies fall by powers of theta', () => {
  const table = ropeTable({ dims, positions: 5, theta });
  expect(table).toHaveLength(5 * dims);
  expect(Array.from(table.subarray(0, dims))).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
  near(turnsOf(table, 3).angles, [3, 0.3, 0.03, 0.003]);
});

test('far positions keep the precision of doubles', () => {
  const table = ropeTable({ dims: 2, positions: 100_001, theta });
  expect(table[200_000]).toBe(Math.fround(Math.cos(100_000)));
  expect(table[200_001]).toBe(Math.fround(Math.sin(100_000)));
});

test('linear scaling and factors divide frequencies', () => {
  near(scaled({ kind: 'linear', factor: 4 }).angles, [0.25, 0.025, 0.0025, 0.00025]);
  const table = ropeTable({ dims, positions: 2, theta, factors: [1, 2, 4, 8] });
  near(turnsOf(table, 1).angles, [1, 0.05, 0.0025, 0.000125]);
});

test('llama3 keeps short wave lengths, divides long ones, and ramps between', () => {
  const originalContext = 8192;
  const scaling = {
    kind: 'llama3',
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalContext,
  } as const;
  // Turns within the original context: 1304, 130, 13, 1.304; the last one is on the ramp from 1 to 4.
  const kept = ((8192 * 0.001) / (2 * Math.PI) - 1) / 3;
  near(scaled(scaling).angles, [1, 0.1, 0.01, 0.001 * (kept + (1 - kept) / 8)]);
  const short = scaled({ ...scaling, originalContext: 1024 });
  near(short.angles.slice(3), [0.001 / 8]);
});

test('yarn ramps over pairs, and scales what it turns', () => {
  const { angles, factors } = scaled({ kind: 'yarn', factor: 4, originalContext: 4096 });
  // Pairs that turn 32 times and once: 1.309 and 2.814, so the ramp goes from pair 1 to pair 3.
  near(angles, [1, 0.1, 0.01 * (0.5 + 0.5 / 4), 0.001 / 4]);
  near(factors, new Array(4).fill(0.1 * Math.log(4) + 1));
  near(scaled({ kind: 'yarn', factor: 4, originalContext: 4096, attentionFactor: 1.5 }).factors, [1.5, 1.5, 1.5, 1.5]);
});

test('longrope takes other factors beyond the original context', () => {
  const shortFactors = [1, 1, 2, 2];
  const longFactors = [1, 2, 4, 8];
  const scaling = { kind: 'longrope', shortFactors, longFactors, originalContext: 4, attentionFactor: 1.25 } as const;
  near(scaled(scaling, 4).angles, [1, 0.1, 0.005, 0.0005]);
  const long = scaled(scaling, 5);
  near(long.angles, [1, 0.05, 0.0025, 0.000125]);
  near(long.factors, [1.25, 1.25, 1.25, 1.25]);
});

test('misuse is refused', () => {
  expect(() => ropeTable({ dims: 7, positions: 1, theta })).toThrow(/dims must be even, got 7/);
  expect(() => ropeTable({ dims, positions: 0, theta })).toThrow(/positions/);
  expect(() => ropeTable({ dims, positions: 1, theta, factors: [1] })).toThrow(/factors must be 4, got 1/);
});
