#version 460
// sums[s, k] = sum of the points of cluster k in part s of its part of `order`, in a fixed order.
// One workgroup sums one part of one cluster of one subspace; threads are chunk lanes x point lanes.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 64) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer points_ { vec4 points[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer order_ { uint order[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 3, std430) restrict buffer sums_ { vec4 sums[]; };
layout(set = 0, binding = 4, std430) restrict buffer sizes_ { uint sizes[]; };
layout(push_constant) uniform Params {
  uint rows, clusters, blocks, chunks, subspace_chunks, padded_clusters, accumulate;
};

#include "../common/index.glsl"

shared vec4 partial[64];

// Sums the points order[first], order[first + step] ... before last; four loads are in flight at a time.
vec4 sum_points(uint first, uint last, uint step, uint chunk) {
  vec4 a = vec4(0), b = vec4(0), c = vec4(0), d = vec4(0);
  uint i = first;
  for (; i + 3 * step < last; i += 4 * step) {
    a += points[packed_index(order[i], chunks, chunk)];
    b += points[packed_index(order[i + step], chunks, chunk)];
    c += points[packed_index(order[i + 2 * step], chunks, chunk)];
    d += points[packed_index(order[i + 3 * step], chunks, chunk)];
  }
  for (; i < last; i += step) a += points[packed_index(order[i], chunks, chunk)];
  return (a + b) + (c + d);
}

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint k = gl_WorkGroupID.x, m = gl_WorkGroupID.y, split = gl_WorkGroupID.z, splits = gl_NumWorkGroups.z;
  const uint cluster = m * clusters + k;
  const uint begin = cluster == 0 ? 0 : offsets[cluster * blocks - 1];
  const uint size = offsets[cluster * blocks + blocks - 1] - begin;
  const uint first = begin + size / splits * split + min(split, size % splits);
  const uint last = first + size / splits + (split < size % splits ? 1 : 0);

  const uint lanes_log2 = min(uint(findMSB(2 * subspace_chunks - 1)), 5);
  const uint chunk_lanes = 1 << lanes_log2;
  const uint point_lanes = 64 >> lanes_log2;
  const uint point_lane = t >> lanes_log2;
  const uint target = split * padded_clusters * chunks;
  for (uint base = 0; base < subspace_chunks; base += chunk_lanes) {
    const uint c = base + (t & (chunk_lanes - 1));
    const bool live = c < subspace_chunks;
    const uint chunk = m * subspace_chunks + c;
    barrier();
    partial[t] = live ? sum_points(first + point_lane, last, point_lanes, chunk) : vec4(0);
    barrier();
    for (uint lanes = point_lanes / 2; lanes > 0; lanes /= 2) {
      if (point_lane < lanes) partial[t] += partial[t + lanes * chunk_lanes];
      barrier();
    }
    if (point_lane == 0 && live) {
      const uint element = target + packed_index(k, chunks, chunk);
      const vec4 sum = partial[t];
      sums[element] = accumulate == 0 ? sum : sums[element] + sum;
    }
  }
  if (split == 0 && t == 0) sizes[cluster] = accumulate == 0 ? size : sizes[cluster] + size;
}
