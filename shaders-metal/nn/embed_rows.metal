// hidden[row] = scale * weights[token of steps[row]], and with_next: values = hidden * norm in `form`. Dead rows get
// zeros. Only tokens in [first, last) are written, whose weights are here, and what has no token at all where first is
// 0. One threadgroup: 8 blocks of 32 numbers of one row, one a SIMD-group.
#include "contracts/embed_rows.h"

#include "common/store_block.h"
#include "common/weight_values.h"

[[max_total_threads_per_threadgroup(256)]] kernel void embed_rows(
    device const uint4* steps [[buffer(0)]], device const uint4* quants [[buffer(1)]],
    device const half* scales [[buffer(2)]], device const float* norm [[buffer(3)]], device float* hidden [[buffer(4)]],
    device uint* values [[buffer(5)]], device float4* blocks [[buffer(6)]], constant Params& params [[buffer(7)]],
    uint2 group [[threadgroup_position_in_grid]], uint slice [[simdgroup_index_in_threadgroup]],
    uint lane [[thread_index_in_simdgroup]]) {
  const uint row = group.y, row_blocks = (params.columns + 31) / 32;
  const uint token = steps[row].x, live = steps[row].w;
  const bool found = live != 0 && token < params.vocabulary;
  if (found ? token < params.first || token >= params.last : params.first != 0) return;
  const uint block = group.x * 8 + slice, column = block * 32 + lane;
  if (block >= row_blocks) return;
  const bool within = column < params.columns;
  const Weights weights = {quants, scales, row_blocks};
  const float number = found && within ? params.scale * weights.values(token - params.first, column / 4)[lane % 4] : 0;
  hidden[row * row_blocks * 32 + column] = number;
  if (with_next == 0) return;
  const StoredBlocks stored = {values, blocks, lane};
  stored.store(row * row_blocks + block, within ? number * norm[column] : 0, number);
}
