// pack_latents: code rows and scales into the slots of a storage segment.
import { packCodes } from '../../support/activation.js';
import { cases, folded, words } from '../../support/cases.js';
import { Random } from '../../support/random.js';

interface Shape {
  rows: number;
  latent: number;
  slots: number;
  firstSlot: number;
  slotCount: number;
  normalize?: number;
}

function packed({ rows, latent, slots: slotTotal, firstSlot, slotCount, normalize = 0 }: Shape) {
  const random = new Random(rows + latent);
  const bytes = Int8Array.from({ length: rows * latent }, () => random.below(255) - 127);
  bytes.fill(0, 0, latent);
  const codes = packCodes(bytes, latent);
  const scales = random.rows('uniform', 1, rows);
  const slots = random.permutation(slotTotal).slice(0, rows);
  const wordCount = Math.ceil(latent / 4);
  const chunks = Math.ceil((wordCount + 1) / 4);
  const storage = words(slotCount * chunks * 4);
  const units = new Map<number, number>();
  for (let row = 0; row < rows; row++) {
    const slot = slots[row] - firstSlot;
    if (slot < 0 || slot >= slotCount) continue;
    const squares = bytes.subarray(row * latent, (row + 1) * latent).reduce((sum, code) => sum + code * code, 0);
    for (let w = 0; w < chunks * 4; w++) {
      const at = ((Math.floor(slot / 32) * chunks + Math.floor(w / 4)) * 32 + (slot % 32)) * 4 + (w % 4);
      if (w !== wordCount) storage.set(at, w < wordCount ? codes[row * wordCount + w] : 0);
      else if (normalize) storage.written(at);
      else storage.set(at, new Uint32Array(Float32Array.of(scales[row]).buffer)[0]);
      if (w === wordCount && normalize) units.set(at, squares > 0 ? 1 / Math.sqrt(squares) : 0);
    }
  }
  const check = (outputs: { [name: string]: Float32Array | Uint32Array }) => {
    const got = new Float32Array(outputs.storage.slice().buffer);
    for (const [at, unit] of units)
      if (Math.abs(got[at] - unit) > 1e-6 * unit) return `storage[${at}] must be ${unit}, got ${got[at]}`;
    return undefined;
  };
  const params = { rows, words: wordCount, chunks, firstSlot, slotCount };
  const grid = folded(Math.ceil((rows * chunks * 4) / 256));
  return { buffers: { codes, scales, slots, storage }, params, constants: { normalize }, grid, check };
}

const shapes: Record<string, Shape> = {
  'one row': { rows: 1, latent: 1, slots: 32, firstSlot: 0, slotCount: 32 },
  '129 rows of 32': { rows: 129, latent: 32, slots: 192, firstSlot: 0, slotCount: 192 },
  '200 rows of 13, middle segment': { rows: 200, latent: 13, slots: 256, firstSlot: 64, slotCount: 96 },
  '100 rows of 60, normalized': { rows: 100, latent: 60, slots: 128, firstSlot: 32, slotCount: 64, normalize: 1 },
};

export default cases(
  'pack_latents',
  Object.entries(shapes).map(([name, shape]) => ({ name, make: () => packed(shape) })),
);
