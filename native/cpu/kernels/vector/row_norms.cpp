// norms[m, r] = squared length of row r's sub-vector m. A workgroup does 256 rows of one subspace.
#include "contracts/row_norms.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void row_norms(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::row_norms;
  const Params params = dispatch.params<Params>();
  const float* packed = dispatch.buffer<float>(Binding::packed);
  float* norms = dispatch.buffer<float>(Binding::norms);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    for (uint32_t row = group.x * 256; row < params.rows && row < (group.x + 1) * 256; row += GROUP) {
      float sums[GROUP];
      const float* first = packed + word_of(row, group.y * params.subspace_chunks, params.chunks);
      group_sums<Scan::square>(first, {nullptr, params.subspace_chunks}, sums);
      const uint32_t live = minimum(GROUP, params.rows - row);
      std::memcpy(norms + size_t{group.y} * params.rows + row, sums, live * sizeof(float));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
