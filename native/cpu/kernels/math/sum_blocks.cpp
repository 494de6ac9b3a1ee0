// sums[row, b] = sum of values[row, 4096 b … 4096 b + 4095] in a fixed order.
#include "contracts/sum_blocks.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void sum_blocks(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::sum_blocks;
  const Params params = dispatch.params<Params>();
  const float* values = dispatch.buffer<float>(Binding::values);
  float* sums = dispatch.buffer<float>(Binding::sums);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    if (group.y >= params.rows) continue;
    const size_t first = size_t{group.x} * 4096;
    const uint32_t count = first < params.count ? minimum(4096, params.count - static_cast<uint32_t>(first)) : 0;
    sums[size_t{group.y} * dispatch.grid[0] + group.x] = sum_of(values + size_t{group.y} * params.count + first, count);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
