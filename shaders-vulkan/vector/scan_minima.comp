#version 460
// minima[q, tile] = smallest |q - x|^2 (metric 0) or -q.x (metric 1) over the live rows of a tile of 128.
// One workgroup: one tile and up to 8 queries; a thread streams one row, the queries are the same for all threads.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

layout(local_size_x = 128) in;
layout(constant_id = 0) const uint metric = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { vec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer storage_ { vec4 storage[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer minima_ { float minima[]; };
layout(push_constant) uniform Params { uint query_count, rows, chunks, first_tile, stride; };

#include "../common/index.glsl"
#include "../common/distance.glsl"

shared float subgroup_minima[8][128];
float sums[8];

// Inlined for one query and for up to 8; several chunks at a time keep as many loads of the row in flight.
void scan_row(const uint count, const uint unroll, uint query, uint element) {
  uint c = 0;
  for (; c + unroll <= chunks; c += unroll) {
    vec4 x[4];
    [[unroll]] for (uint j = 0; j < unroll; ++j) x[j] = storage[element + (c + j) * 32];
    [[unroll]] for (uint j = 0; j < unroll; ++j) {
      const uint first = query + (c + j) * 32;
      [[unroll]] for (uint q = 0; q < count; ++q) sums[q] = add_distance(sums[q], queries[first + q], x[j]);
    }
  }
  for (; c < chunks; ++c) {
    const vec4 x = storage[element + c * 32];
    [[unroll]] for (uint q = 0; q < count; ++q) sums[q] = add_distance(sums[q], queries[query + c * 32 + q], x);
  }
}

void main() {
  const uint row = gl_WorkGroupID.x * 128 + gl_LocalInvocationIndex;
  const uint first_query = gl_WorkGroupID.y * 8;
  const uint count = min(query_count - first_query, 8);
  const uint query = packed_index(first_query, chunks, 0);
  const uint element = packed_index(row, chunks, 0);
  [[unroll]] for (uint q = 0; q < 8; ++q) sums[q] = 0;
  if (count == 1) scan_row(1, 4, query, element);
  else scan_row(8, 1, query, element);

  [[unroll]] for (uint q = 0; q < 8; ++q) {
    const float smallest = subgroupMin(row < rows ? sums[q] : INFINITY);
    if (subgroupElect()) subgroup_minima[q][gl_SubgroupID] = smallest;
  }
  barrier();
  const uint q = gl_LocalInvocationIndex;
  if (q >= count) return;
  float smallest = INFINITY;
  for (uint s = 0; s < gl_NumSubgroups; ++s) smallest = min(smallest, subgroup_minima[q][s]);
  minima[(first_query + q) * stride + first_tile + gl_WorkGroupID.x] = smallest;
}
