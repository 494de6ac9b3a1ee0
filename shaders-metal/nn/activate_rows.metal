// values[row][i] = act(gate[i]) * up[i] in `form`, act 0 silu, 1 gelu (its tanh form); or 2: the numbers as they are.
// Gate and up alternate by 32 numbers of a row. One threadgroup: 8 blocks of 32 results, one a SIMD-group.
#include "contracts/activate_rows.h"

#include "common/activation.h"
#include "common/index.h"
#include "common/store_block.h"

inline float result_at(device const float* row, uint i) {
  if (activation == 2) return row[i];
  const uint at = i / 32 * 64 + i % 32;
  return activate_gate(activation, row[at]) * row[at + 32];
}

[[max_total_threads_per_threadgroup(256)]] kernel void activate_rows(
    device const float* source [[buffer(0)]], device uint* values [[buffer(1)]], device float4* blocks [[buffer(2)]],
    constant Params& params [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], uint slice [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  const uint row_blocks = (params.columns + 31) / 32, block = linear_index(group, groups) * 8 + slice;
  const uint row = block / row_blocks, i = block % row_blocks * 32 + lane;
  if (row >= params.rows) return;
  const float result = i < params.columns ? result_at(source + row * params.stride, i) : 0;
  const StoredBlocks stored = {values, blocks, lane};
  stored.store(block, result, result);
}
