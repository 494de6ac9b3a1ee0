// Heads of the rows of a fused projection, queries and keys normed and rotated: queries to [row][head][head_size]
// (float32 or halves), keys and values as halves to their sequences' pages [page][kv head][32 tokens][head_size].
// One threadgroup: 256 / LANES of a row's (y) heads: queries', then keys', then values'.
#include "contracts/rope_rows.h"

#include "common/rope.h"

#include "common/pages.h"

[[max_total_threads_per_threadgroup(256)]] kernel void rope_rows(
    device const float* projected [[buffer(0)]], device const float* query_norm [[buffer(1)]],
    device const float* key_norm [[buffer(2)]], device const float2* rope [[buffer(3)]],
    device const uint* pages [[buffer(4)]], device const uint4* steps [[buffer(5)]],
    device uint4* queries [[buffer(6)]], device uint4* keys [[buffer(7)]], device uint4* values [[buffer(8)]],
    constant Params& params [[buffer(9)]], uint3 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  const uint row = group.y, part = t % LANES, item = group.x * (256 / LANES) + t / LANES;
  const uint heads = params.heads, kv_heads = params.kv_heads;
  const uint4 step = steps[row];  // token, position, slot, live
  const bool live = item < heads + 2 * kv_heads && part < PARTS && step.w != 0;
  const bool is_query = item < heads, is_value = item >= heads + kv_heads;
  const uint head = is_query ? item : is_value ? item - heads - kv_heads : item - heads;
  const uint offset = is_query ? 0 : is_value ? params.v_offset : params.k_offset;
  const Heads rows = {projected, query_norm, key_norm, rope, params.rope_dims, params.epsilon};
  const Eight x = rows.part_at(live, row * params.stride + offset + head * head_size, part, step.y,
                               is_query   ? IS_QUERY
                               : is_value ? IS_VALUE
                                          : IS_KEY);
  if (!live) return;
  if (is_query) {
    const uint at = (row * heads + head) * PARTS + part;
    if (half_queries == 1) {
      queries[at] = halves_from(x);
    } else {
      queries[2 * at] = as_type<uint4>(x.low);
      queries[2 * at + 1] = as_type<uint4>(x.high);
    }
    return;
  }
  const Pages cache = {pages + step.z * params.page_stride, head, kv_heads};
  (is_value ? values : keys)[cache.at(step.y, part)] = halves_from(x);
}
