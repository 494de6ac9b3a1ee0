// The quantizer's search in float64: the line of a group of numbers that int4 or int8 quants lie on.
import { fromHalf, toHalf } from './weight-tiles.js';

type Kind = 'int4' | 'int8';
type Scaling = 'symmetric' | 'affine';

export interface Line {
  scale: number;
  minimum: number;
}

const LIMITS = {
  int4: { symmetric: [-8, 7], affine: [0, 15] },
  int8: { symmetric: [-127, 127], affine: [-128, 127] },
} as const;

const rounded = ({ scale, minimum }: Line): Line => ({
  scale: fromHalf(toHalf(scale)),
  minimum: fromHalf(toHalf(minimum)),
});

function quantOf(number: number, { scale, minimum }: Line, kind: Kind, scaling: Scaling): number {
  const [low, high] = LIMITS[kind][scaling];
  return scale === 0 ? 0 : Math.min(high, Math.max(low, Math.round((number - minimum) / scale)));
}

/** The numbers as quants on the line hold them. */
export function nearest(numbers: readonly number[], line: Line, kind: Kind, scaling: Scaling): number[] {
  return numbers.map((number) => line.scale * quantOf(number, line, kind, scaling) + line.minimum);
}

/** Range k of the group: all of the numbers, or more or less of it. */
function range(numbers: readonly number[], kind: Kind, scaling: Scaling, k: number): Line {
  const [low, high] = LIMITS[kind][scaling];
  if (scaling === 'symmetric') {
    const farthest = numbers.reduce((most, number) => (Math.abs(number) > Math.abs(most) ? number : most), 0);
    return { scale: -farthest / (kind === 'int4' ? 7 + 0.25 * k : 127), minimum: 0 };
  }
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const width = (most - least) * (1 - 0.04 * k);
  const scale = width / (high - low);
  return { scale, minimum: (least + most - width) / 2 - low * scale };
}

/** What the group's own range gives: the farthest number becomes −8, or lowest and highest the ends. */
export function plainRange(numbers: readonly number[], kind: Kind, scaling: Scaling): Line {
  return rounded(range(numbers, kind, scaling, scaling === 'symmetric' && kind === 'int4' ? 4 : 0));
}

/** The line through (quant, number) with the least squared error, a line through 0 if symmetric; and that error. */
function fitted(numbers: readonly number[], line: Line, kind: Kind, scaling: Scaling): { line: Line; error: number } {
  const quants = numbers.map((number) => quantOf(number, line, kind, scaling));
  const mean = (values: readonly number[]) =>
    scaling === 'symmetric' ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
  const [quant, number] = [mean(quants), mean(numbers)];
  const both = numbers.reduce((sum, value, i) => sum + (value - number) * (quants[i] - quant), 0);
  const scale = both / quants.reduce((sum, value) => sum + (value - quant) ** 2, 0);
  const minimum = number - scale * quant;
  const error = numbers.reduce((sum, value, i) => sum + (value - scale * quants[i] - minimum) ** 2, 0);
  return { line: { scale, minimum }, error };
}

export function searched(numbers: readonly number[], kind: Kind, scaling: Scaling): Line {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (scaling === 'affine' ? least === most : Math.max(-least, most) === 0)
    return rounded({ scale: 0, minimum: least });
  const ranges = kind === 'int8' ? 1 : scaling === 'affine' ? 7 : 13;
  const fits = Array.from({ length: ranges }, (_, k) =>
    fitted(numbers, range(numbers, kind, scaling, k), kind, scaling),
  );
  return rounded(fits.reduce((best, fit) => (fit.error < best.error ? fit : best)).line);
}
