// hidden row += what is added (adds 2: normed first); values = hidden row / its root mean square * norm in `form`.
// A workgroup does one row.
#include "contracts/norm_rows.hpp"

#include "cpu/kernels/common/store_block.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::norm_rows::Binding;
using contract::norm_rows::Constants;
using contract::norm_rows::Params;

float inverse_rms(const float* numbers, const Params& params) {
  Floats sums[4] = {};
  uint32_t i = 0;
  for (; i + 4 * LANES <= params.columns; i += 4 * LANES) {
    for (uint32_t v = 0; v < 4; v++) {
      const Floats part = load<Floats>(numbers + i + v * LANES);
      sums[v] += part * part;
    }
  }
  float squares = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < params.columns; i++) squares += numbers[i] * numbers[i];
  return 1 / __builtin_sqrtf(squares / static_cast<float>(params.columns) + params.epsilon);
}

void add_row(const Dispatch& dispatch, float* hidden, size_t row) {
  const Params& params = dispatch.params<Params>();
  const float* added = dispatch.buffer<float>(Binding::added) + row * params.stride;
  if (dispatch.constants<Constants>().adds == 1) {
    for (uint32_t i = 0; i < params.columns; i++) hidden[i] += added[i];
    return;
  }
  const float* post_norm = dispatch.buffer<float>(Binding::post_norm);
  const float scale = inverse_rms(added, params);
  for (uint32_t i = 0; i < params.columns; i++) hidden[i] += added[i] * scale * post_norm[i];
}

}  // namespace

void norm_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const float* norm = dispatch.buffer<float>(Binding::norm);
  const StoredBlocks stored = {constants.form, dispatch.buffer<uint8_t>(Binding::values),
                               dispatch.buffer<float>(Binding::blocks)};
  const uint32_t blocks = (params.columns + 31) / 32;
  for (uint32_t row = begin; row < minimum(end, params.rows); row++) {
    const size_t source = size_t{params.first_row} + row;
    float* hidden = dispatch.buffer<float>(Binding::hidden) + source * blocks * 32;
    if (constants.adds != 0) add_row(dispatch, hidden, source);
    const float scale = inverse_rms(hidden, params);
    for (uint32_t block = 0; block < blocks; block++) {
      float before[32] = {}, numbers[32] = {};
      const uint32_t first = block * 32, count = minimum(32, params.columns - first);
      for (uint32_t i = 0; i < count; i++) {
        before[i] = hidden[first + i] * scale;
        numbers[i] = before[i] * norm[first + i];
      }
      stored.store(size_t{row} * blocks + block, numbers, squares_of(before));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
