// centroid = sum over the splits / size; normalize: the sum scaled to length 1; empty clusters keep their centroid.
// A threadgroup handles 8 clusters of a subspace at a time, 32 chunk lanes each; any number of threadgroups will do.
#include "contracts/update_centroids.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void update_centroids(device const float4* sums [[buffer(0)]],
                                                                        device const uint* sizes [[buffer(1)]],
                                                                        device float4* centroids [[buffer(2)]],
                                                                        constant Params& params [[buffer(3)]],
                                                                        uint3 group [[threadgroup_position_in_grid]],
                                                                        uint3 groups [[threadgroups_per_grid]],
                                                                        uint t [[thread_index_in_threadgroup]]) {
  threadgroup float norms[8][8];
  const uint clusters = params.clusters, chunks = params.chunks;
  const uint pairs = clusters * (chunks / params.subspace_chunks);
  for (uint base = 8 * linear_index(group, groups); base < pairs; base += 8 * groups.x * groups.y * groups.z) {
    const uint pair = min(base + t % 8, pairs - 1);
    const uint size = base + t % 8 < pairs ? sizes[pair] : 0;
    const uint end = size == 0 ? 0 : params.subspace_chunks;
    const uint first = packed_index(pair % clusters, chunks, pair / clusters * params.subspace_chunks);
    const float scale = ::normalize == 1 ? 1 : 1 / float(size);
    float norm = 0;
    for (uint c = t / 8; c < end; c += 32) {
      float4 sum = float4(0);
      for (uint s = 0; s < params.splits; s++) sum += sums[s * params.padded_clusters * chunks + first + c * 32];
      norm += dot(sum, sum);
      centroids[first + c * 32] = sum * scale;
    }
    if (::normalize == 0) continue;
    norm += simd_shuffle_xor(norm, 8);
    norm += simd_shuffle_xor(norm, 16);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t % 32 < 8) norms[t / 32][t % 8] = norm;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    norm = 0;
    for (uint i = 0; i < 8; i++) norm += norms[i][t % 8];
    for (uint c = t / 8; c < end && norm > 0; c += 32) centroids[first + c * 32] /= sqrt(norm);
  }
}
