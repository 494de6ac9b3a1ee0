// pooled[target] = the mean of a sequence's rows, or its last row, then divided by its length where `normalised`.
// A workgroup does one span: (first row, rows here, rows before, rows in all, target).
#include "contracts/pool_rows.hpp"

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

struct Span {
  uint32_t first, count, before, total, target;
};

void add(const float* row, uint32_t dimensions, float* sums) {
  for (uint32_t d = 0; d < dimensions; d++) sums[d] += row[d];
}

void normalise(float* vector, uint32_t dimensions) {
  double sum = 0;
  for (uint32_t d = 0; d < dimensions; d++) sum += double{vector[d]} * vector[d];
  if (!(sum > 0)) return;
  const float scale = static_cast<float>(1 / __builtin_sqrt(sum));
  for (uint32_t d = 0; d < dimensions; d++) vector[d] *= scale;
}

}  // namespace

void pool_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pool_rows;
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const float* hidden = dispatch.buffer<float>(Binding::hidden);
  for (uint32_t s = begin; s < end && s < params.sequences; s++) {
    const Span span = dispatch.buffer<Span>(Binding::spans)[s];
    if (span.count == 0) continue;
    float* pooled = dispatch.buffer<float>(Binding::pooled) + size_t{span.target} * params.dimensions;
    const bool ends = span.before + span.count >= span.total;
    const size_t after = size_t{span.first} + span.count;
    if (constants.last != 0) {
      std::memcpy(pooled, hidden + (after - 1) * params.stride, params.dimensions * sizeof(float));
    } else {
      if (span.before == 0) std::memset(pooled, 0, params.dimensions * sizeof(float));
      for (size_t row = span.first; row < after; row++) add(hidden + row * params.stride, params.dimensions, pooled);
      for (uint32_t d = 0; ends && d < params.dimensions; d++) pooled[d] /= static_cast<float>(span.total);
    }
    if (constants.normalised != 0 && ends) normalise(pooled, params.dimensions);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
