#version 460
// distances[q, offset + i] = |q - scale code|^2 (metric 0) or -scale q.code (metric 1) for row i of a probed list.
// One workgroup: every splits-th run of 256 rows of one list for one query; a thread streams one row of codes.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint metric = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { vec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer probes_ { uint probes[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer list_begin_ { uint list_begin[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer groups_ { uint groups[]; };
layout(set = 0, binding = 5, std430) readonly restrict buffer list_rows_ { uint list_rows[]; };
layout(set = 0, binding = 6, std430) readonly restrict buffer storage_ { uvec4 storage[]; };
layout(set = 0, binding = 7, std430) writeonly restrict buffer distances_ { float distances[]; };
layout(push_constant) uniform Params { uint probe_count, words, chunks, stride, first_group, group_count; };

#include "../common/index.glsl"
#include "../common/distance.glsl"

float row_distance(uint query, uint element) {
  const float scale = uintBitsToFloat(storage[element + words / 4 * 32][words % 4]);
  const float step = metric == 0 ? scale : 1;
  float sum = 0;
  for (uint c = 0; c < chunks; c++) {
    const ivec4 code = ivec4(storage[element + c * 32]);
    for (uint i = 0; i < 4 && c * 4 + i < words; i++) {
      const int word = code[i];
      const vec4 row = vec4(bitfieldExtract(word, 0, 8), bitfieldExtract(word, 8, 8), bitfieldExtract(word, 16, 8), word >> 24);
      sum = add_distance(sum, queries[query + (c * 4 + i) * 32], row * step);
    }
  }
  return metric == 0 ? sum : sum * scale;
}

void main() {
  const uint probe = gl_WorkGroupID.y * probe_count + gl_WorkGroupID.x;
  const uint list = probes[probe];
  if (list == NONE) return;
  const uint rows = list_rows[list];
  const uint first_page = list_begin[list];
  const uint query = packed_index(gl_WorkGroupID.y, words, 0);
  const uint target = gl_WorkGroupID.y * stride + offsets[probe];
  for (uint i = gl_WorkGroupID.z * 256 + gl_LocalInvocationIndex; i < rows; i += gl_NumWorkGroups.z * 256) {
    const uint group = groups[first_page + i / 32] - first_group;
    if (group < group_count) distances[target + i] = row_distance(query, group * chunks * 32 + i % 32);
  }
}
