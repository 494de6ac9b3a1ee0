// pack_rows: row-major words to packed rows; finds the first invalid row, scales rows to length 1.
import { cases, floats, folded, words } from '../../support/cases.js';
import { layoutOf, NONE, pack, roundUp, wordIndex } from '../../support/packed.js';
import { type DataKind, Random } from '../../support/random.js';

interface Shape {
  rows: number;
  dimensions: number;
  subspaces?: number;
  kind?: DataKind;
  normalize?: number;
  /** [row, dimension, value] put in before packing. */
  planted?: readonly (readonly [number, number, number])[];
}

function paramsOf({ rows, dimensions, subspaces }: Shape) {
  const layout = layoutOf(dimensions, subspaces);
  const paddedRows = roundUp(rows, 128);
  const { subdimensions, chunks } = layout;
  return { layout, params: { rows, paddedRows, dimensions, subdimensions, chunks }, grid: folded(paddedRows / 32, 3) };
}

function packFloats(shape: Shape) {
  const { rows, dimensions, normalize = 0 } = shape;
  const { layout, params, grid } = paramsOf(shape);
  const source = new Random(rows * dimensions).rows(shape.kind ?? 'normal', rows, dimensions);
  for (const [row, dimension, value] of shape.planted ?? []) source[row * dimensions + dimension] = value;
  const packed = floats(params.paddedRows * layout.chunks * 4, { nmse: normalize ? 1e-12 : 0 });
  packed.setAll(new Float64Array(packed.length));
  let firstInvalid = NONE;
  for (let row = 0; row < rows; row++) {
    const values = source.subarray(row * dimensions, (row + 1) * dimensions);
    const square = values.reduce((sum, value) => sum + value * value, 0);
    const valid = square <= 3.4028234e38;
    if (!valid && firstInvalid === NONE) firstInvalid = row;
    const scale = normalize && square > 0 ? 1 / Math.sqrt(square) : 1;
    for (let d = 0; d < dimensions; d++) {
      const at = wordIndex(layout, row, d);
      if (valid) packed.set(at, values[d] * scale);
      else packed.any(at);
    }
  }
  const invalid = words(1, { initial: Uint32Array.of(NONE) });
  invalid.set(0, firstInvalid);
  const bits = new Uint32Array(source.buffer);
  return { buffers: { source: bits, packed, firstInvalid: invalid }, params, constants: { normalize }, grid };
}

function packWords(shape: Shape) {
  const { layout, params, grid } = paramsOf(shape);
  const source = new Random(shape.rows).words(shape.rows * shape.dimensions, 2 ** 32);
  source[0] = 0x7fa00001;
  const packed = words(params.paddedRows * layout.chunks * 4).setAll(pack(source, layout));
  const firstInvalid = words(1, { initial: Uint32Array.of(NONE) }).setAll([NONE]);
  return { buffers: { source, packed, firstInvalid }, params, constants: { check: 0, normalize: 0 }, grid };
}

const shapes: Shape[] = [1, 3, 7, 16, 100, 128, 130].map((dimensions, i) => ({
  rows: [1, 127, 128, 129][i % 4],
  dimensions,
}));
const many: Shape = { rows: 129, dimensions: 16, subspaces: 8 };

export default cases('pack_rows', [
  ...shapes.map((shape) => ({ name: `${shape.rows} x ${shape.dimensions}`, make: () => packFloats(shape) })),
  ...[
    { rows: 129, dimensions: 21, subspaces: 3 },
    { rows: 50, dimensions: 24, subspaces: 8 },
  ].map((shape) => ({
    name: `${shape.rows} x ${shape.dimensions}, ${shape.subspaces} subspaces`,
    make: () => packFloats(shape),
  })),
  ...shapes.map((shape) => ({
    name: `normalized ${shape.rows} x ${shape.dimensions}`,
    make: () => packFloats({ ...shape, normalize: 1 }),
  })),
  {
    name: 'normalized with zero rows',
    make: () => packFloats({ rows: 200, dimensions: 3, kind: 'integer', normalize: 1 }),
  },
  {
    name: 'NaN',
    make: () =>
      packFloats({
        ...many,
        planted: [
          [77, 15, Number.NaN],
          [40, 0, Number.NaN],
        ],
      }),
  },
  { name: 'infinity', make: () => packFloats({ ...many, planted: [[128, 3, Number.NEGATIVE_INFINITY]] }) },
  {
    name: 'overflowing length',
    make: () =>
      packFloats({
        ...many,
        planted: [
          [31, 3, 1e20],
          [90, 3, 1e18],
        ],
      }),
  },
  {
    name: 'invalid row, normalized',
    make: () => packFloats({ ...many, normalize: 1, planted: [[5, 3, Number.POSITIVE_INFINITY]] }),
  },
  { name: 'words, bit by bit', make: () => packWords({ rows: 129, dimensions: 5 }) },
  { name: 'words, one row', make: () => packWords({ rows: 1, dimensions: 8 }) },
]);
