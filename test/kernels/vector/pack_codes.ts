// pack_codes: labels to code words, row-major or interleaved into the slots of a segment.
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  subspaces: number;
  bits: number;
  /** Slots that exist, and the segment; without it codes are row-major. */
  segment?: { slots: number; firstSlot: number; slotCount: number };
}

function codes({ rows, subspaces, bits, segment }: Shape) {
  const perWord = 32 / bits;
  const wordsPerRow = Math.ceil(subspaces / perWord);
  const chunks = Math.ceil(wordsPerRow / 4);
  const random = new Random(rows + subspaces);
  const labels = random.words(subspaces * rows, 2 ** bits);
  const slots = segment ? random.permutation(segment.slots).slice(0, rows) : new Uint32Array(1);
  const { firstSlot, slotCount } = segment ?? { firstSlot: 0, slotCount: 0 };
  const output = words(segment ? slotCount * chunks * 4 : rows * wordsPerRow);
  const perRow = segment ? chunks * 4 : wordsPerRow;
  for (let row = 0; row < rows; row++) {
    const slot = slots[row] - firstSlot;
    if (segment && (slot < 0 || slot >= slotCount)) continue;
    for (let w = 0; w < perRow; w++) {
      let word = 0;
      for (let i = 0; i < perWord && w * perWord + i < subspaces; i++)
        word += labels[(w * perWord + i) * rows + row] * 2 ** (i * bits);
      const interleaved = ((Math.floor(slot / 32) * chunks + Math.floor(w / 4)) * 32 + (slot % 32)) * 4 + (w % 4);
      output.set(segment ? interleaved : row * wordsPerRow + w, word);
    }
  }
  const params = { rows, subspaces, words: wordsPerRow, chunks, firstSlot, slotCount };
  const constants = { bits, interleaved: segment ? 1 : 0 };
  return {
    buffers: { labels, slots, codes: output },
    params,
    constants,
    grid: folded(Math.ceil((rows * perRow) / 256)),
  };
}

const shapes: Record<string, Shape> = {
  '1 row, 1 subspace, 8 bits': { rows: 1, subspaces: 1, bits: 8 },
  '129 rows, 3 subspaces, 8 bits': { rows: 129, subspaces: 3, bits: 8 },
  '127 rows, 16 subspaces, 8 bits': { rows: 127, subspaces: 16, bits: 8 },
  '128 rows, 33 subspaces, 4 bits': { rows: 128, subspaces: 33, bits: 4 },
  '129 rows, 8 subspaces, 4 bits': { rows: 129, subspaces: 8, bits: 4 },
  'interleaved, 8 bits': { rows: 129, subspaces: 16, bits: 8, segment: { slots: 192, firstSlot: 0, slotCount: 192 } },
  'interleaved, 8 bits, middle segment': {
    rows: 200,
    subspaces: 19,
    bits: 8,
    segment: { slots: 256, firstSlot: 64, slotCount: 96 },
  },
  'interleaved, 4 bits, middle segment': {
    rows: 200,
    subspaces: 7,
    bits: 4,
    segment: { slots: 256, firstSlot: 32, slotCount: 160 },
  },
  'interleaved, 4 bits, wide': {
    rows: 40,
    subspaces: 100,
    bits: 4,
    segment: { slots: 64, firstSlot: 0, slotCount: 64 },
  },
};

export default cases(
  'pack_codes',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => codes(shape) })),
);
