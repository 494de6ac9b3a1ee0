#version 460
// Distances to codes: the sum over m of |q_m - r c_m - b_mj|^2 (metric 0) or -q_m.b_mj, and -q.c where r (metric 1).
// One workgroup: every splits-th run of 256 codes of one list for one query, by tables of 16 (8 bits) or 32 subspaces.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint metric = 0;
layout(constant_id = 1) const uint bits = 8;
layout(constant_id = 2) const uint residual = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { vec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer centroids_ { vec4 centroids[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer codebooks_ { vec4 codebooks[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer probes_ { uint probes[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 5, std430) readonly restrict buffer list_begin_ { uint list_begin[]; };
layout(set = 0, binding = 6, std430) readonly restrict buffer groups_ { uint groups[]; };
layout(set = 0, binding = 7, std430) readonly restrict buffer list_rows_ { uint list_rows[]; };
layout(set = 0, binding = 8, std430) readonly restrict buffer codes_ { uvec4 codes[]; };
layout(set = 0, binding = 9, std430) restrict buffer distances_ { float distances[]; };
layout(push_constant) uniform Params {
  uint probe_count, chunks, subspaces, subspace_chunks, code_chunks, codewords, stride, first_group, group_count;
};

#include "../common/index.glsl"
#include "../common/distance.glsl"

const uint ENTRIES = 1u << bits;
const uint SLICE = 128 / bits;  // subspaces of one 16-byte chunk of codes
shared float table[4096];

// What entry (m, codeword) adds up to, four subspaces m, m + step .. at a time to have their loads in flight together.
vec4 table_entries(uint query, uint list, uint codeword, uint m, uint step) {
  const uvec4 chunk = min(m + uvec4(0, 1, 2, 3) * step, subspaces - 1) * subspace_chunks;
  const uint q = packed_index(query, chunks, 0), c = packed_index(list, chunks, 0);
  const uint b = packed_index(codeword, chunks, 0);
  vec4 sum = vec4(0);
  for (uint i = 0; i < subspace_chunks; ++i) {
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint offset = (chunk[j] + i) * 32;
      vec4 target = queries[q + offset];
      if (metric == 0 && residual == 1) target -= centroids[c + offset];
      sum[j] = add_distance(sum[j], target, codebooks[b + offset]);
    }
  }
  return sum;
}

// Fills the table for subspaces first .. first + SLICE - 1; those past the last one add nothing.
void build_table(uint query, uint list, uint first) {
  const uint step = 256 >> bits;
  const uint codeword = gl_LocalInvocationIndex & (ENTRIES - 1);
  for (uint base = 0; base < SLICE; base += 4 * step) {
    // With 8 bits the subspace is the same for the whole workgroup, and the compiler should see that.
    const uint local = bits == 8 ? base : base + (gl_LocalInvocationIndex >> bits);
    vec4 entries = vec4(0);
    if (codeword < codewords) entries = table_entries(query, list, codeword, first + local, step);
    [[unroll]] for (uint j = 0; j < 4; ++j) {
      const uint m = local + j * step;
      if (m < SLICE) table[m * ENTRIES + codeword] = first + m < subspaces ? entries[j] : 0;
    }
  }
}

float look_up(uint word, uint first) {
  float sum = 0;
  for (uint i = 0; i < 32 / bits; ++i) {
    sum += table[(first + i) * ENTRIES + ((word >> (i * bits)) & (ENTRIES - 1))];
  }
  return sum;
}

void main() {
  const uint query = gl_WorkGroupID.y;
  const uint probe = query * probe_count + gl_WorkGroupID.x;
  const uint list = probes[probe];
  if (list == NONE) return;
  const uint rows = list_rows[list];
  if (gl_WorkGroupID.z * 256 >= rows) return;
  const uint first_page = list_begin[list];
  const uint target = query * stride + offsets[probe];
  float base = 0;
  if (metric == 1 && residual == 1) {
    for (uint c = 0; c < chunks; ++c) {
      base = add_distance(base, queries[packed_index(query, chunks, c)], centroids[packed_index(list, chunks, c)]);
    }
  }
  for (uint slice = 0; slice < code_chunks; ++slice) {
    barrier();
    build_table(query, list, slice * SLICE);
    barrier();
    for (uint i = gl_WorkGroupID.z * 256 + gl_LocalInvocationIndex; i < rows; i += gl_NumWorkGroups.z * 256) {
      const uint group = groups[first_page + i / 32] - first_group;
      if (group >= group_count) continue;
      const uvec4 code = codes[(group * code_chunks + slice) * 32 + i % 32];
      const uint quarter = SLICE / 4;
      const float sum = (look_up(code.x, 0) + look_up(code.y, quarter)) +
                        (look_up(code.z, 2 * quarter) + look_up(code.w, 3 * quarter));
      distances[target + i] = (slice == 0 ? base : distances[target + i]) + sum;
    }
  }
}
