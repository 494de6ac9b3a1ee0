// data[i] += totals[i / 2048]: turns the blocks' prefix sums into those of the whole array.
#include "contracts/scan_add.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void scan_add(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_add;
  uint32_t* data = dispatch.buffer<uint32_t>(Binding::data);
  const uint32_t* totals = dispatch.buffer<uint32_t>(Binding::totals);
  const Span span = invocations(begin, end, dispatch.params<Params>().count);
  for (size_t i = span.first; i < span.last;) {
    const uint32_t total = totals[i / 2048];
    const size_t block_end = (i / 2048 + 1) * 2048;
    for (const size_t last = block_end < span.last ? block_end : span.last; i < last; i++) data[i] += total;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
