// order[offsets[m, k, b]++] = row, in ascending order of the rows of block b that have label k in subspace m.
// A workgroup sorts one block of one subspace.
#include "contracts/sort_labels.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void sort_labels(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::sort_labels;
  const Params params = dispatch.params<Params>();
  uint32_t* order = dispatch.buffer<uint32_t>(Binding::order);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t* labels = dispatch.buffer<uint32_t>(Binding::labels) + size_t{group.y} * params.rows;
    uint32_t* offsets =
        dispatch.buffer<uint32_t>(Binding::offsets) + size_t{group.y} * params.clusters * params.blocks + group.x;
    const size_t first = size_t{group.x} * params.block;
    for (size_t i = first; i < first + params.block && i < params.rows; i++) {
      order[offsets[size_t{labels[i]} * params.blocks]++] = static_cast<uint32_t>(i);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
