// One more dimension for each sub-vector, sqrt(limit - norm), with limit the greatest squared length of its subspace.
// A workgroup does one subspace.
#include "contracts/augment_rows.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void augment_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::augment_rows;
  const Params params = dispatch.params<Params>();
  float* packed = dispatch.buffer<float>(Binding::packed);
  for (uint32_t p = begin; p < end && p < params.chunks / params.subspace_chunks; p++) {
    const float* norms = dispatch.buffer<float>(Binding::norms) + size_t{p} * params.rows;
    float limit = 0;
    for (uint32_t row = 0; row < params.rows; row++) limit = norms[row] > limit ? norms[row] : limit;
    dispatch.buffer<float>(Binding::limits)[p] = limit;
    const uint32_t chunk = p * params.subspace_chunks + params.subdimensions / 4;
    for (uint32_t row = 0; row < params.rows; row++)
      packed[word_of(row, chunk, params.chunks) + params.subdimensions % 4] = __builtin_sqrtf(limit - norms[row]);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
