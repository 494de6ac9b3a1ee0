// values = act(gate) * up, where gate and up alternate by 32 numbers of a row, or the numbers as they are, in `form`.
// A workgroup does 8 blocks of 32 results.
#include "contracts/activate_rows.hpp"

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/store_block.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

constexpr uint32_t BLOCKS = 8;

void fill_block(uint32_t activation, const float* source, uint32_t count, float* results) {
  if (activation == 2) {
    std::memcpy(results, source, count * sizeof(float));
  } else if (activation == 0) {
    for (uint32_t i = 0; i < count; i++) results[i] = source[i] / (1 + __builtin_expf(-source[i])) * source[i + 32];
  } else {
    for (uint32_t i = 0; i < count; i++) results[i] = activate(2, source[i]) * source[i + 32];
  }
}

}  // namespace

void activate_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::activate_rows;
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const StoredBlocks stored = {constants.form, dispatch.buffer<uint8_t>(Binding::values),
                               dispatch.buffer<float>(Binding::blocks)};
  const size_t row_blocks = (params.columns + 31) / 32, all = row_blocks * params.rows;
  const size_t last = size_t{end} * BLOCKS < all ? size_t{end} * BLOCKS : all;
  for (size_t block = size_t{begin} * BLOCKS; block < last; block++) {
    const size_t row = block / row_blocks, within = block % row_blocks;
    const float* source = dispatch.buffer<float>(Binding::source) + row * params.stride;
    float results[32] = {};
    fill_block(constants.activation, source + within * (constants.activation == 2 ? 32 : 64),
               minimum(32, params.columns - static_cast<uint32_t>(within) * 32), results);
    stored.store(block, results, squares_of(results));
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
