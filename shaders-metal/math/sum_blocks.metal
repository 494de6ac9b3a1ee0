// sums[row, b] = sum of values[row, 4096 b .. 4096 b + 4095] in a fixed order.
// One threadgroup sums one block of one row.
#include "contracts/sum_blocks.h"

#include "common/sum.h"

[[max_total_threads_per_threadgroup(256)]] kernel void sum_blocks(device const float* values [[buffer(0)]],
                                                                  device float* sums [[buffer(1)]],
                                                                  constant Params& params [[buffer(2)]],
                                                                  uint3 group [[threadgroup_position_in_grid]],
                                                                  uint3 groups [[threadgroups_per_grid]],
                                                                  uint t [[thread_index_in_threadgroup]]) {
  threadgroup float parts[8];
  const uint row = group.y;
  if (row >= params.rows) return;
  const uint first = group.x * 4096;
  const uint last = min(first + 4096, params.count);
  float own = 0;
  for (uint i = first + t; i < last; i += 256) own += values[row * params.count + i];
  const float total = threadgroup_sum<256>(own, t, parts);
  if (t == 0) sums[row * groups.x + group.x] = total;
}
