#version 460
// An empty cluster becomes its donor times 1 +- 1/1024 (even, odd dimensions), and the donor itself times 1 -+ 1/1024.
// One workgroup does all pairs in order: a chunk always belongs to the same invocation, so a donor may repeat.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer pairs_ { uint pairs[]; };
layout(set = 0, binding = 1, std430) restrict buffer centroids_ { vec4 centroids[]; };
layout(push_constant) uniform Params { uint count, chunks, subspace_chunks; };

#include "../common/index.glsl"

void main() {
  if (gl_WorkGroupID.x > 0) return;
  const float e = 1.0 / 1024;
  for (uint i = 0; i < count; ++i) {
    const uint empty = pairs[3 * i], donor = pairs[3 * i + 1], m = pairs[3 * i + 2];
    for (uint c = gl_LocalInvocationIndex; c < subspace_chunks; c += 256) {
      const uint from = packed_index(donor, chunks, m * subspace_chunks + c);
      const vec4 value = centroids[from];
      centroids[packed_index(empty, chunks, m * subspace_chunks + c)] = value * vec4(1 + e, 1 - e, 1 + e, 1 - e);
      centroids[from] = value * vec4(1 - e, 1 + e, 1 - e, 1 + e);
    }
  }
}
