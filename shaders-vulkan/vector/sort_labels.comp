#version 460
// order[offsets[m, k, b]++] = row, in ascending order of the rows of block b that have label k in subspace m.
// One workgroup sorts one block of one subspace, 256 points at a time.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer labels_ { uint labels[]; };
layout(set = 0, binding = 1, std430) restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer order_ { uint order[]; };
layout(push_constant) uniform Params { uint rows, clusters, block, blocks; };

#include "../common/index.glsl"

shared uvec4 tile[64];        // the labels of 256 points
shared uint tile_counts[256];  // at the first point of a label: how many of the tile have that label
shared uint tile_begins[256];  // at the first point of a label: where they go

void meet(uint i, inout uint rank, inout uint first) {
  ++rank;
  first = i;
}

void main() {
  const uint t = gl_LocalInvocationIndex;
  const uint last = min((gl_WorkGroupID.x + 1) * block, rows);
  for (uint base = gl_WorkGroupID.x * block; base < last; base += 256) {
    const bool live = base + t < last;
    const uint label = live ? labels[gl_WorkGroupID.y * rows + base + t] : NONE;
    tile[t / 4][t % 4] = label;
    tile_counts[t] = 0;
    barrier();
    uint rank = 0;   // earlier points of the tile with the same label
    uint first = t;  // the first of them
    for (uint i = t; i-- > (t & ~3u);) {
      if (tile[t / 4][i % 4] == label) meet(i, rank, first);
    }
    for (uint i = t / 4; i-- > 0;) {
      const bvec4 same = equal(tile[i], uvec4(label));
      if (same.w) meet(4 * i + 3, rank, first);
      if (same.z) meet(4 * i + 2, rank, first);
      if (same.y) meet(4 * i + 1, rank, first);
      if (same.x) meet(4 * i, rank, first);
    }
    atomicAdd(tile_counts[first], 1);
    barrier();
    const uint cursor = (gl_WorkGroupID.y * clusters + label) * blocks + gl_WorkGroupID.x;
    if (live && first == t) tile_begins[t] = atomicAdd(offsets[cursor], tile_counts[t]);
    barrier();
    if (live) order[tile_begins[first] + rank] = base + t;
  }
}
