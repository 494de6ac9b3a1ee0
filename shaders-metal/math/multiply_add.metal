// results[i] = sum of 8 chains x -> x * factor + addend, from start[i] + chain, after `rounds` steps.
// One thread does 16 * rounds operations without touching memory.
#include "contracts/multiply_add.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void multiply_add(device const float* start [[buffer(0)]],
                                                                    device float* results [[buffer(1)]],
                                                                    constant Params& params [[buffer(2)]],
                                                                    uint3 position [[thread_position_in_grid]],
                                                                    uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i >= params.count) return;
  float4 low = start[i] + float4(0, 1, 2, 3);
  float4 high = start[i] + float4(4, 5, 6, 7);
  for (uint round = 0; round < params.rounds; round++) {
    low = fma(low, float4(params.factor), float4(params.addend));
    high = fma(high, float4(params.factor), float4(params.addend));
  }
  low += high;
  results[i] = (low.x + low.y) + (low.z + low.w);
}
