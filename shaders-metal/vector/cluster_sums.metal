// sums[s, k] = sum of the points of cluster k in part s of its part of `order`, in a fixed order.
// One threadgroup sums one part of one cluster of one subspace; threads are chunk lanes x point lanes.
#include "contracts/cluster_sums.h"

#include "common/index.h"
#include "common/unroll.h"

struct Points {
  device const float4* chunks;
  device const uint* order;
  uint row_chunks;
};

// Sums the points order[first], order[first + step] ... before last; four loads are in flight at a time.
inline float4 sum_points(Points points, uint first, uint last, uint step, uint chunk) {
  float4 sums[4] = {float4(0), float4(0), float4(0), float4(0)};
  uint i = first;
  for (; i + 3 * step < last; i += 4 * step) {
    UNROLL for (uint j = 0; j < 4; j++) {
      sums[j] += points.chunks[packed_index(points.order[i + j * step], points.row_chunks, chunk)];
    }
  }
  for (; i < last; i += step) sums[0] += points.chunks[packed_index(points.order[i], points.row_chunks, chunk)];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

[[max_total_threads_per_threadgroup(64)]] kernel void cluster_sums(
    device const float4* points [[buffer(0)]], device const uint* order [[buffer(1)]],
    device const uint* offsets [[buffer(2)]], device float4* sums [[buffer(3)]], device uint* sizes [[buffer(4)]],
    constant Params& params [[buffer(5)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 partial[32];
  const uint k = group.x, m = group.y, split = group.z, splits = groups.z;
  const uint cluster = m * params.clusters + k, blocks = params.blocks;
  const uint begin = cluster == 0 ? 0 : offsets[cluster * blocks - 1];
  const uint size = offsets[cluster * blocks + blocks - 1] - begin;
  const uint first = begin + size / splits * split + min(split, size % splits);
  const uint last = first + size / splits + (split < size % splits ? 1 : 0);

  const uint lanes_log2 = min(31 - clz(2 * params.subspace_chunks - 1), 5u);
  const uint chunk_lanes = 1u << lanes_log2, point_lanes = 64u >> lanes_log2;
  const uint target = split * params.padded_clusters * params.chunks;
  for (uint base = 0; base < params.subspace_chunks; base += chunk_lanes) {
    const uint c = base + (t & (chunk_lanes - 1)), chunk = m * params.subspace_chunks + c;
    const bool live = c < params.subspace_chunks;
    const uint own_first = live ? first + (t >> lanes_log2) : last;
    float4 sum = sum_points({points, order, params.chunks}, own_first, last, point_lanes, chunk);
    for (uint distance = 16; distance >= chunk_lanes; distance /= 2) sum += simd_shuffle_xor(sum, ushort(distance));
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t >= 32) partial[t - 32] = sum;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t < chunk_lanes && live) {
      const uint element = target + packed_index(k, params.chunks, chunk);
      sum += partial[t];
      sums[element] = params.accumulate == 0 ? sum : sums[element] + sum;
    }
  }
  if (split == 0 && t == 0) sizes[cluster] = params.accumulate == 0 ? size : sizes[cluster] + size;
}
