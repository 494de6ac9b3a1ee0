// What the repack kernels share in their cases: a source at some byte, and tiles of which only some are written.
import { tileBytes, type WeightShape } from '../../src/nn/weights.js';
import { type Output, type Outputs, words } from './cases.js';
import { decodeWeights } from './packed-weights.js';

export interface Target {
  kind: WeightShape['kind'];
  scaling: WeightShape['scaling'];
  rows: number;
  columns: number;
  firstTile: number;
  tileStep: number;
}

/** Bytes from `offset` on, as words. */
export function sourceWords(bytes: Uint8Array, offset: number): Uint32Array {
  const padded = new Uint8Array(Math.ceil((offset + bytes.length) / 4) * 4).fill(0xff);
  padded.set(bytes, offset);
  return new Uint32Array(padded.buffer);
}

function markTiles(output: Output, tileWords: number, { rows, firstTile, tileStep }: Target): Output {
  for (let tile = 0; tile < Math.ceil(rows / 32); tile++) {
    const at = (firstTile + tile * tileStep) * tileWords;
    for (let i = at; i < at + tileWords; i++) output.written(i);
  }
  return output;
}

/** `quants` and `scales` with one tile more than is written. */
export function targetBuffers(target: Target): { quants: Output; scales: Output } {
  const bytes = tileBytes(target);
  const tiles = target.firstTile + Math.ceil(target.rows / 32) * target.tileStep + 1;
  const buffer = (tileWords: number) => markTiles(words(tiles * tileWords), tileWords, target);
  return { quants: buffer(bytes.quants / 4), scales: buffer(bytes.scales / 4) };
}

/** The numbers of the written tiles, [rows of whole tiles, columns]. */
export function decoded(outputs: Outputs, target: Target): Float64Array {
  const { rows, columns, firstTile, tileStep } = target;
  const bytes = tileBytes(target);
  const numbers = new Float64Array(Math.ceil(rows / 32) * 32 * columns);
  for (let tile = 0; tile < Math.ceil(rows / 32); tile++) {
    const at = firstTile + tile * tileStep;
    const part = (name: 'quants' | 'scales') =>
      Uint32Array.from(
        (outputs[name] ?? new Uint32Array(0)).subarray((at * bytes[name]) / 4, ((at + 1) * bytes[name]) / 4),
      );
    const packed = { quants: part('quants'), scales: part('scales') };
    numbers.set(decodeWeights(packed, { ...target, rows: 32 }), tile * 32 * columns);
  }
  return numbers;
}

/** The written tiles hold exactly `expected`, and zeros in the rows past the last. */
export function checkDecoded(outputs: Outputs, target: Target, expected: ArrayLike<number>): string | undefined {
  const got = decoded(outputs, target);
  for (let i = 0; i < got.length; i++) {
    const wanted = i < expected.length ? expected[i] : 0;
    if (got[i] !== wanted)
      return `row ${Math.floor(i / target.columns)}, column ${i % target.columns} must be ${wanted}, got ${got[i]}`;
  }
  return undefined;
}
