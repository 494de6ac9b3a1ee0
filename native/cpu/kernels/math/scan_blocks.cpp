// Exclusive prefix sums within blocks of 2048 words, and each block's total.
#include "contracts/scan_blocks.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void scan_blocks(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_blocks;
  const size_t count = dispatch.params<Params>().count;
  uint32_t* data = dispatch.buffer<uint32_t>(Binding::data);
  uint32_t* totals = dispatch.buffer<uint32_t>(Binding::totals);
  for (size_t block = begin; block < end && block * 2048 < count; block++) {
    uint32_t sum = 0;
    for (size_t i = block * 2048; i < (block + 1) * 2048 && i < count; i++) {
      const uint32_t value = data[i];
      data[i] = sum;
      sum += value;
    }
    totals[block] = sum;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
