// An empty cluster becomes its donor times 1 +- 1/1024 (even, odd dimensions), and the donor itself times 1 -+ 1/1024.
// One threadgroup does all pairs in order: a chunk always belongs to the same thread, so a donor may repeat.
#include "contracts/split_clusters.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void split_clusters(device const uint* pairs [[buffer(0)]],
                                                                      device float4* centroids [[buffer(1)]],
                                                                      constant Params& params [[buffer(2)]],
                                                                      uint group [[threadgroup_position_in_grid]],
                                                                      uint t [[thread_index_in_threadgroup]]) {
  if (group > 0) return;
  const float4 factors = 1 + float4(1, -1, 1, -1) / 1024;
  for (uint i = 0; i < params.count; i++) {
    const uint empty = pairs[3 * i], donor = pairs[3 * i + 1], first = pairs[3 * i + 2] * params.subspace_chunks;
    for (uint c = t; c < params.subspace_chunks; c += 256) {
      const uint from = packed_index(donor, params.chunks, first + c);
      const float4 value = centroids[from];
      centroids[packed_index(empty, params.chunks, first + c)] = value * factors;
      centroids[from] = value * factors.yxwz;
    }
  }
}
