// folded[i] = exclusive or of 16 vectors of words of threadgroup i / 256: reads as fast as the memory goes.
// One threadgroup reads 4096 vectors, 64 KiB.
#include "contracts/read_bandwidth.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void read_bandwidth(device const uint4* source [[buffer(0)]],
                                                                      device uint* folded [[buffer(1)]],
                                                                      constant Params& params [[buffer(2)]],
                                                                      uint3 group [[threadgroup_position_in_grid]],
                                                                      uint3 groups [[threadgroups_per_grid]],
                                                                      uint t [[thread_index_in_threadgroup]]) {
  const uint number = linear_index(group, groups);
  if (number * 4096 >= params.count) return;
  uint4 value = uint4(0);
  for (uint i = 0; i < 16; i++) {
    const uint at = number * 4096 + i * 256 + t;
    if (at < params.count) value ^= source[at];
  }
  folded[number * 256 + t] = value.x ^ value.y ^ value.z ^ value.w;
}
