// scatter_rows: packed rows into the slots of one segment; slots outside it are skipped.
import { cases, folded, words } from '../../support/cases.js';
import { chunkIndex, layoutOf, pack } from '../../support/packed.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  dimensions: number;
  /** Slots that exist, of which the segment is a part. */
  slots: number;
  firstSlot: number;
  slotCount: number;
}

function scatter({ rows, dimensions, slots: total, firstSlot, slotCount }: Shape) {
  const layout = layoutOf(dimensions);
  const { chunks } = layout;
  const random = new Random(rows + dimensions);
  const packed = pack(random.words(rows * dimensions, 2 ** 32), layout);
  const slots = random.permutation(total).slice(0, rows);
  const storage = words(slotCount * chunks * 4);
  for (let row = 0; row < rows; row++) {
    const slot = slots[row] - firstSlot;
    if (slot < 0 || slot >= slotCount) continue;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const from = chunkIndex(chunks, row, chunk) * 4;
      for (let word = 0; word < 4; word++) storage.set(chunkIndex(chunks, slot, chunk) * 4 + word, packed[from + word]);
    }
  }
  const grid = folded(Math.ceil((rows * chunks) / 256));
  return { buffers: { packed, slots, storage }, params: { rows, chunks, firstSlot, slotCount }, grid };
}

export default cases('scatter_rows', [
  { name: '1 x 1', make: () => scatter({ rows: 1, dimensions: 1, slots: 32, firstSlot: 0, slotCount: 32 }) },
  { name: '129 x 130', make: () => scatter({ rows: 129, dimensions: 130, slots: 160, firstSlot: 0, slotCount: 160 }) },
  {
    name: 'middle segment',
    make: () => scatter({ rows: 300, dimensions: 7, slots: 320, firstSlot: 96, slotCount: 128 }),
  },
  {
    name: 'last segment',
    make: () => scatter({ rows: 127, dimensions: 16, slots: 256, firstSlot: 224, slotCount: 32 }),
  },
]);
