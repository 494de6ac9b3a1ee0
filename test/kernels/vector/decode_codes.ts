// decode_codes: row-major code words to the codewords they name.
import { cases, floats, folded } from '../../support/cases.js';
import { layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';

function decode(rows: number, dimensions: number, subspaces: number, bits: number) {
  const layout = layoutOf(dimensions, subspaces);
  const { subdimensions, chunks } = layout;
  const codewords = 2 ** bits;
  const random = new Random(rows + dimensions);
  const codebooks = random.rows('normal', codewords, dimensions);
  const perWord = 32 / bits;
  const words = Math.ceil(subspaces / perWord);
  const codes = new Uint32Array(rows * words);
  const vectors = floats(rows * dimensions, { nmse: 0 });
  for (let row = 0; row < rows; row++) {
    for (let m = 0; m < subspaces; m++) {
      const code = random.below(codewords);
      codes[row * words + Math.floor(m / perWord)] += code * 2 ** ((m % perWord) * bits);
      for (let d = m * subdimensions; d < (m + 1) * subdimensions; d++) {
        vectors.set(row * dimensions + d, codebooks[code * dimensions + d]);
      }
    }
  }
  const params = { rows, words, dimensions, subdimensions, chunks };
  const grid = folded(Math.ceil((rows * dimensions) / 256));
  return { buffers: { codes, codebooks: pack(codebooks, layout), vectors }, params, constants: { bits }, grid };
}

export default cases('decode_codes', [
  { name: '1 x 1, 8 bits', make: () => decode(1, 1, 1, 8) },
  { name: '129 x 128, 8 subspaces, 8 bits', make: () => decode(129, 128, 8, 8) },
  { name: '127 x 21, 3 subspaces, 8 bits', make: () => decode(127, 21, 3, 8) },
  { name: '128 x 130, 10 subspaces, 4 bits', make: () => decode(128, 130, 10, 4) },
  { name: '100 x 99, 33 subspaces, 4 bits', make: () => decode(100, 99, 33, 4) },
]);
