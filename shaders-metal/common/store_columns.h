// Writes rows of an activation of which each threadgroup has some columns.
#include "common/store_block.h"

struct Columns {
  StoredBlocks to;
  uint first;          // number of the row's first one here
  uint count, padded;  // with zeros at the row's end

  // For a whole SIMD-group at once: its lanes bring 32 neighbouring numbers, of which `i` is a lane's. Where `count` is
  // no multiple of 32, blocks have no squares, and the form is not bytes.
  void store(uint i, float value) const thread {
    const uint at = first + i;
    if (count % 32 == 0) {
      to.store(at / 32, value, value);
    } else if (i < padded) {
      const float number = i < count ? value : 0;
      if (form == 0) ((device float*)to.values)[at] = number;
      if (form == 1) ((device half*)to.values)[at] = half(number);
      if (at % 32 == 0) to.blocks[at / 32] = float4(1, 0, 0, 0);
    }
  }
};

// Columns of the row that part `part` of `parts` has, `count` each.
inline Columns columns_of(StoredBlocks to, uint row, uint part, uint parts, uint count) {
  const uint row_numbers = (parts * count + 31) / 32 * 32;
  const uint padded = part == parts - 1 ? row_numbers - part * count : count;
  return {to, row * row_numbers + part * count, count, padded};
}
