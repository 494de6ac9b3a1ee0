// Attention over listed positions: softmax(scale q.k + log weight) v, one pass with a running maximum.
// A workgroup does one query of one query head.
#include "contracts/sparse_attention.hpp"

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

float dot(const float* a, const float* b, uint32_t count) {
  Floats sum{};
  uint32_t i = 0;
  for (; i + LANES <= count; i += LANES) sum += load<Floats>(a + i) * load<Floats>(b + i);
  float total = sum_of(sum);
  for (; i < count; i++) total += a[i] * b[i];
  return total;
}

}  // namespace

void sparse_attention(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::sparse_attention;
  const Params params = dispatch.params<Params>();
  const bool weighted = dispatch.constants<Constants>().weighted == 1;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const size_t query = size_t{group.y} * params.query_count + group.x;
    const size_t kv = size_t{group.y / params.heads_per_kv} * params.key_count;
    const size_t list_head = group.y / params.heads_per_list;
    const uint32_t* list = dispatch.buffer<uint32_t>(Binding::list) + list_head * params.length;
    const float* weights = dispatch.buffer<float>(Binding::weights) + list_head * params.key_count;
    const float* q = dispatch.buffer<float>(Binding::queries) + query * params.dimensions;
    float* attended = dispatch.buffer<float>(Binding::attended) + query * params.value_dimensions;
    std::memset(attended, 0, params.value_dimensions * 4);
    float greatest = -INFINITE, total = 0;
    for (uint32_t i = 0; i < params.length; i++) {
      const float weight = weighted ? weights[list[i]] : 1;
      if (!(weight > 0)) continue;
      const float* key = dispatch.buffer<float>(Binding::keys) + (kv + list[i]) * params.dimensions;
      const float* value = dispatch.buffer<float>(Binding::values) + (kv + list[i]) * params.value_dimensions;
      const float logit = dot(q, key, params.dimensions) * params.scale + __builtin_logf(weight);
      float shrink = 1;
      if (logit > greatest) {
        shrink = __builtin_expf(greatest - logit);
        greatest = logit;
      }
      const float share = __builtin_expf(logit - greatest);
      total = total * shrink + share;
      for (uint32_t d = 0; d < params.value_dimensions; d++) attended[d] = attended[d] * shrink + share * value[d];
    }
    for (uint32_t d = 0; d < params.value_dimensions && total > 0; d++) attended[d] /= total;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
