// Heads of a fused projection: queries and keys normed and rotated, queries to rows, keys and values as halves to
// pages. A workgroup does 256 / (threads of a head) heads of a row.
#include "contracts/rope_rows.hpp"

#include "cpu/kernels/common/attention.hpp"
#include "cpu/kernels/common/rope.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::rope_rows::Binding;
using contract::rope_rows::Constants;
using contract::rope_rows::Params;

void do_head(const Dispatch& dispatch, uint32_t row, uint32_t item, const uint32_t* step) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t size = constants.head_size, position = step[1];
  const bool is_query = item < params.heads, is_value = item >= params.heads + params.kv_heads;
  const uint32_t head = is_query ? item : (item - params.heads) % params.kv_heads;
  const uint32_t offset = is_query ? 0 : is_value ? params.v_offset : params.k_offset;
  const float* from = dispatch.buffer<float>(Binding::projected) + size_t{row} * params.stride + offset + head * size;
  const uint32_t* numbers = dispatch.buffer<uint32_t>(Binding::pages) + size_t{step[2]} * params.page_stride;
  const Pages pages = {numbers, params.kv_heads, head, size};
  if (is_value) {
    halves_of_floats(from, size, dispatch.buffer<uint16_t>(Binding::values) + pages.token(position));
    return;
  }
  const Rotation rotation = {size, constants.rope_style, params.rope_dims, dispatch.buffer<float>(Binding::rope),
                             params.epsilon};
  const float* norm = dispatch.buffer<float>(is_query ? Binding::query_norm : Binding::key_norm);
  float result[256];
  rotation.apply(from, constants.normed != 0 ? norm : nullptr, position, result);
  if (!is_query) {
    halves_of_floats(result, size, dispatch.buffer<uint16_t>(Binding::keys) + pages.token(position));
    return;
  }
  const size_t at = (size_t{row} * params.heads + head) * size;
  if (constants.half_queries != 0)
    halves_of_floats(result, size, dispatch.buffer<uint16_t>(Binding::queries) + at);
  else
    std::memcpy(dispatch.buffer<float>(Binding::queries) + at, result, size * sizeof(float));
}

}  // namespace

void rope_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  uint32_t lanes = 1;
  while (lanes < dispatch.constants<Constants>().head_size / 8) lanes *= 2;
  const uint32_t heads = 256 / lanes, all = params.heads + 2 * params.kv_heads;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t* step = dispatch.buffer<uint32_t>(Binding::steps) + size_t{group.y} * 4;
    if (step[3] == 0) continue;
    const uint32_t last = minimum((group.x + 1) * heads, all);
    for (uint32_t item = group.x * heads; item < last; item++) do_head(dispatch, group.y, item, step);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
