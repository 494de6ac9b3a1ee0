// repack_values: float32, halves and bfloat16 into tiles of each other, rounded to even.
import { cases } from '../../support/cases.js';
import { Random } from '../../support/random.js';
import { checkDecoded, sourceWords, targetBuffers } from '../../support/repacked.js';
import { fromHalf, toHalf } from '../../support/weight-tiles.js';

const KINDS = ['f32', 'f16', 'bf16'] as const;
type Kind = (typeof KINDS)[number];

interface Shape {
  from: Kind;
  to: Kind;
  rows: number;
  columns: number;
  offset: number;
  firstTile?: number;
  tileStep?: number;
}

const floatBits = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0];
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];

function nearestBfloat(value: number): number {
  const bits = floatBits(value);
  const [low, rest] = [bits >>> 16, bits % 65536];
  return rest > 32768 || (rest === 32768 && low % 2 === 1) ? low + 1 : low;
}

/** The number as `kind` holds it. */
function rounded(kind: Kind, value: number): number {
  if (kind === 'f32') return Math.fround(value);
  return kind === 'f16' ? fromHalf(toHalf(value)) : floatOf(nearestBfloat(value) << 16);
}

function bytesOf(kind: Kind, numbers: Float64Array): Uint8Array {
  if (kind === 'f32') return new Uint8Array(Float32Array.from(numbers).buffer);
  return new Uint8Array(Uint16Array.from(numbers, kind === 'f16' ? toHalf : nearestBfloat).buffer);
}

/** Large and small ones, subnormal halves, and ties between two halves. */
function numberOf(random: Random): number {
  const value = random.normal() * 2 ** -random.below(22);
  return random.below(4) === 0 ? fromHalf(toHalf(value)) * (1 + 2 ** -11) : value;
}

function repack({ from, to, rows, columns, offset, firstTile = 0, tileStep = 1 }: Shape) {
  const random = new Random(rows * 3 + columns + offset);
  const numbers = Float64Array.from({ length: rows * columns }, () => rounded(from, numberOf(random)));
  const target = { kind: to, scaling: 'none' as const, rows, columns, firstTile, tileStep };
  const { quants } = targetBuffers(target);
  return {
    buffers: { source: sourceWords(bytesOf(from, numbers), offset), quants },
    params: { rows, columns, sourceOffset: offset, firstTile, tileStep },
    constants: { format: KINDS.indexOf(from), kind: KINDS.indexOf(to) },
    grid: [Math.ceil(columns / 32 / (to === 'f32' ? 1 : 2)), Math.ceil(rows / 32)] as const,
    check: (outputs: Parameters<typeof checkDecoded>[0]) =>
      checkDecoded(
        outputs,
        target,
        numbers.map((number) => rounded(to, number)),
      ),
  };
}

const shapes: Shape[] = KINDS.flatMap((from) =>
  KINDS.flatMap((to) => [
    { from, to, rows: 35, columns: 172, offset: from === 'f32' ? 4 : 2 },
    { from, to, rows: 64, columns: 33, offset: 0, firstTile: 1, tileStep: 2 },
  ]),
);

export default cases(
  'repack_values',
  shapes.map((shape) => ({
    name: `${shape.from} to ${shape.to}: ${shape.rows} x ${shape.columns} from byte ${shape.offset}`,
    make: () => repack(shape),
  })),
);
