// Product-quantized codes in plain float64: unpacking, decoding, and whether each part is the nearest codeword.
import { squaredDistance } from '../support/reference.js';

export interface CodeShape {
  readonly dimensions: number;
  readonly subspaces: number;
  readonly bits: number;
  /** [codewords × dimensions] numbers, those of all subspaces side by side. */
  readonly codebooks: Float32Array;
}

/** The codeword number of part m of a code; with 4 bits the even part is in the low half of its byte. */
export function codewordOf(code: Uint8Array, m: number, bits: number): number {
  if (bits === 8) return code[m];
  return m % 2 === 0 ? code[m >> 1] & 15 : code[m >> 1] >> 4;
}

export function decode(code: Uint8Array, { dimensions, subspaces, bits, codebooks }: CodeShape): Float32Array {
  const width = dimensions / subspaces;
  return Float32Array.from({ length: dimensions }, (_, d) => {
    return codebooks[codewordOf(code, Math.floor(d / width), bits) * dimensions + d];
  });
}

/** Parts of a vector whose code is a codeword that is, beyond rounding, farther than the nearest one. */
export function misplacedParts(vector: Float32Array, code: Uint8Array, shape: CodeShape): number[] {
  const { dimensions, subspaces, bits, codebooks } = shape;
  const width = dimensions / subspaces;
  const misplaced: number[] = [];
  for (let m = 0; m < subspaces; m++) {
    const part = vector.subarray(m * width, (m + 1) * width);
    const codeword = (j: number) => codebooks.subarray(j * dimensions + m * width, j * dimensions + (m + 1) * width);
    let nearest = Infinity;
    for (let j = 0; j < codebooks.length / dimensions; j++)
      nearest = Math.min(nearest, squaredDistance(part, codeword(j)));
    const scale = squaredDistance(part, new Float32Array(width));
    const chosen = squaredDistance(part, codeword(codewordOf(code, m, bits)));
    if (chosen > nearest + 1e-5 * (scale + nearest)) misplaced.push(m);
  }
  return misplaced;
}
