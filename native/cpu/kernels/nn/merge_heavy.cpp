// A head's list: sink positions, the `heavy` candidates of the greatest scores, window positions, all ascending.
// A workgroup does one head.
#include "contracts/merge_heavy.hpp"

#include "cpu/kernels/common/packed_rows.hpp"
#include "cpu/kernels/common/selection.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void merge_heavy(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::merge_heavy;
  const Params params = dispatch.params<Params>();
  const uint32_t total = dispatch.buffer<uint32_t>(Binding::state)[0];
  const uint32_t eligible = total - params.sink - params.window;
  const uint32_t count =
      eligible / params.part * minimum(params.heavy, params.part) + minimum(params.heavy, eligible % params.part);
  uint64_t* keys = scratch<uint64_t>(count);
  for (uint32_t head = begin; head < end; head++) {
    const size_t first = size_t{head} * params.stride;
    const uint32_t* scores = dispatch.buffer<uint32_t>(Binding::scores) + first;
    const uint32_t* positions = dispatch.buffer<uint32_t>(Binding::positions) + first;
    for (uint32_t i = 0; i < count; i++) keys[i] = uint64_t{~scores[i]} << 32 | i;
    if (params.heavy < count) select_keys(keys, count, params.heavy);
    for (uint32_t i = 0; i < params.heavy; i++) keys[i] = index_of(keys[i]);
    sort_keys(keys, params.heavy);
    uint32_t* list =
        dispatch.buffer<uint32_t>(Binding::list) + size_t{head} * (params.sink + params.heavy + params.window);
    for (uint32_t i = 0; i < params.sink; i++) *list++ = i;
    for (uint32_t i = 0; i < params.heavy; i++) *list++ = positions[keys[i]];
    for (uint32_t i = 0; i < params.window; i++) *list++ = total - params.window + i;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
