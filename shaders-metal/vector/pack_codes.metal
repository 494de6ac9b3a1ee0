// Word w of a code row = labels 4w .. 4w + 3 (8 bits) or 8w .. 8w + 7 (4 bits), lowest first, into slots or row-major.
// One thread makes one word.
#include "contracts/pack_codes.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void pack_codes(device const uint* labels [[buffer(0)]],
                                                                  device const uint* slots [[buffer(1)]],
                                                                  device uint* codes [[buffer(2)]],
                                                                  constant Params& params [[buffer(3)]],
                                                                  uint3 position [[thread_position_in_grid]],
                                                                  uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), row = i % params.rows, word = i / params.rows;
  if (word >= (interleaved == 1 ? params.chunks * 4 : params.words)) return;
  const uint labels_per_word = 32 / bits, first = word * labels_per_word;
  const uint last = word < params.words ? min(first + labels_per_word, params.subspaces) : first;
  uint code = 0;
  for (uint m = first; m < last; m++) code |= labels[m * params.rows + row] << ((m - first) * bits);
  if (interleaved == 0) {
    codes[row * params.words + word] = code;
    return;
  }
  const uint slot = slots[row] - params.first_slot;
  if (slot < params.slot_count) codes[packed_index(slot, params.chunks, word / 4) * 4 + word % 4] = code;
}
