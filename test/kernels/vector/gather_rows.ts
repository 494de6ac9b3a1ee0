// gather_rows: rows by id, each subspace with its own ids.
import { cases, folded, words } from '../../support/cases.js';
import { chunkIndex, layoutOf, pack, roundUp } from '../../support/packed.js';
import { Random } from '../../support/random.js';

function gather(from: number, rows: number, dimensions: number, subspaces = 1) {
  const layout = layoutOf(dimensions, subspaces);
  const { chunks, subspaceChunks } = layout;
  const random = new Random(rows + dimensions);
  const packed = pack(random.words(from * dimensions, 2 ** 32), layout);
  const ids = random.words(subspaces * rows, from);
  const paddedRows = roundUp(rows, 128);
  const gathered = words(paddedRows * chunks * 4).setAll(new Uint32Array(paddedRows * chunks * 4));
  for (let row = 0; row < rows; row++) {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const source = chunkIndex(chunks, ids[Math.floor(chunk / subspaceChunks) * rows + row], chunk) * 4;
      const target = chunkIndex(chunks, row, chunk) * 4;
      for (let word = 0; word < 4; word++) gathered.set(target + word, packed[source + word]);
    }
  }
  const grid = folded(Math.ceil((paddedRows * chunks) / 256));
  return { buffers: { packed, ids, gathered }, params: { rows, paddedRows, chunks, subspaceChunks }, grid };
}

export default cases('gather_rows', [
  { name: '1 of 1 x 1', make: () => gather(1, 1, 1) },
  { name: '3 of 200 x 130', make: () => gather(200, 3, 130) },
  { name: '129 of 50 x 7, repeats', make: () => gather(50, 129, 7) },
  { name: '127 of 300 x 21, 3 subspaces', make: () => gather(300, 127, 21, 3) },
  { name: '256 of 129 x 24, 8 subspaces', make: () => gather(129, 256, 24, 8) },
]);
