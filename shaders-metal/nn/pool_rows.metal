// pooled[target] = the mean of a sequence's rows, or its last row, then divided by its length where `normalised`. A
// span is (first row, rows here, rows before, rows in all, target): sums of a sequence in several dispatches wait in
// `pooled`. One threadgroup does one span, a thread every 256th dimension.
#include "contracts/pool_rows.h"

#include "common/index.h"
#include "common/sum.h"
#include "common/unroll.h"

// Four sums, so that loads do not wait for each other.
inline float sum_rows(device const float* first, uint count, uint stride) {
  float sums[4] = {0, 0, 0, 0};
  uint row = 0;
  for (; row + 4 <= count; row += 4) {
    UNROLL for (uint i = 0; i < 4; i++) sums[i] += first[(row + i) * stride];
  }
  for (; row < count; row++) sums[0] += first[row * stride];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

[[max_total_threads_per_threadgroup(256)]] kernel void pool_rows(device const float* hidden [[buffer(0)]],
                                                                 device const uint* spans [[buffer(1)]],
                                                                 device float* pooled [[buffer(2)]],
                                                                 constant Params& params [[buffer(3)]],
                                                                 uint3 group [[threadgroup_position_in_grid]],
                                                                 uint3 groups [[threadgroups_per_grid]],
                                                                 uint t [[thread_index_in_threadgroup]]) {
  threadgroup float sums[8];
  const uint span = linear_index(group, groups) * 5, dimensions = params.dimensions, stride = params.stride;
  if (span >= params.sequences * 5) return;
  const uint first = spans[span], count = spans[span + 1], before = spans[span + 2], total = spans[span + 3];
  const uint to = spans[span + 4] * dimensions;
  const bool ends = before + count >= total;
  if (count == 0) return;
  float squares = 0;
  for (uint d = t; d < dimensions; d += 256) {
    float value;
    if (last != 0) {
      value = hidden[(first + count - 1) * stride + d];
    } else {
      value = sum_rows(hidden + first * stride + d, count, stride);
      if (before != 0) value += pooled[to + d];
      if (ends) value /= float(total);
    }
    pooled[to + d] = value;
    squares += value * value;
  }
  if (normalised == 0 || !ends) return;
  const float sum = threadgroup_sum<256>(squares, t, sums);
  if (!(sum > 0)) return;
  const float scale = 1 / sqrt(sum);
  for (uint d = t; d < dimensions; d += 256) pooled[to + d] *= scale;
}
