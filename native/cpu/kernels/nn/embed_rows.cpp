// hidden[row] = scale * the weights of the row's token, and with_next: values = hidden * norm in `form`; dead rows get
// zeros. A workgroup does 8 blocks of 32 numbers of one row.
#include "contracts/embed_rows.hpp"

#include "cpu/kernels/common/store_block.hpp"
#include "cpu/kernels/common/weight_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void embed_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::embed_rows;
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t row_blocks = (params.columns + 31) / 32;
  const WeightTiles weights = {WeightKind{constants.kind}, WeightScaling{constants.scaling},
                               dispatch.buffer<uint8_t>(Binding::quants), dispatch.buffer<uint8_t>(Binding::scales),
                               row_blocks};
  const StoredBlocks next = {constants.form, dispatch.buffer<uint8_t>(Binding::values),
                             dispatch.buffer<float>(Binding::blocks)};
  const float* norm = dispatch.buffer<float>(Binding::norm);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t* step = dispatch.buffer<uint32_t>(Binding::steps) + size_t{group.y} * 4;
    const uint32_t token = step[0];
    const bool found = step[3] != 0 && token < params.vocabulary;
    if (found ? token < params.first || token >= params.last : params.first != 0) continue;
    for (uint32_t block = group.x * 8; block < minimum(row_blocks, group.x * 8 + 8); block++) {
      const size_t at = size_t{group.y} * row_blocks + block;
      float numbers[32] = {}, normed[32] = {};
      for (uint32_t i = 0; i < 32 && found; i += 4)
        store(numbers + i, params.scale * weights.at(token - params.first, block * 8 + i / 4));
      for (uint32_t i = 0; i < 32; i++) {
        if (block * 32 + i >= params.columns)
          numbers[i] = 0;
        else if (constants.with_next)
          normed[i] = numbers[i] * norm[block * 32 + i];
      }
      std::memcpy(dispatch.buffer<float>(Binding::hidden) + at * 32, numbers, 128);
      if (constants.with_next) next.store(at, normed, squares_of(numbers));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
