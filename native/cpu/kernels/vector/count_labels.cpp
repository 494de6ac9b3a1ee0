// counts[m, k, b] += points with label k in block b of subspace m. A workgroup counts one block of one subspace.
#include "contracts/count_labels.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void count_labels(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::count_labels;
  const Params params = dispatch.params<Params>();
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t* labels = dispatch.buffer<uint32_t>(Binding::labels) + size_t{group.y} * params.rows;
    uint32_t* counts =
        dispatch.buffer<uint32_t>(Binding::counts) + size_t{group.y} * params.clusters * params.blocks + group.x;
    const size_t first = size_t{group.x} * params.block;
    for (size_t i = first; i < first + params.block && i < params.rows; i++)
      counts[size_t{labels[i]} * params.blocks]++;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
