// What attention writes as an activation: as any other, but without squares where heads do not end with blocks.
import { type StoredNumbers, storedActivation } from './stored-activation.js';

export function storedHeads(stored: Omit<StoredNumbers, 'names'> & { readonly squares: boolean }) {
  const { squares, numbers } = stored;
  const before = squares ? numbers : new Float64Array(numbers.length);
  const { buffers, check } = storedActivation({ ...stored, before, names: { values: 'attended', blocks: 'blocks' } });
  return {
    buffers: { attended: buffers.values, blocks: buffers.blocks },
    check,
  };
}
