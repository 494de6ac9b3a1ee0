#version 460
// norms[m, row] = |row|^2 over the chunks of subspace m.
// One invocation handles one row of one subspace.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer packed_ { vec4 packed[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer norms_ { float norms[]; };
layout(push_constant) uniform Params { uint rows, chunks, subspace_chunks; };

#include "../common/index.glsl"

void main() {
  const uint row = gl_GlobalInvocationID.x;
  if (row >= rows) return;
  const uint first = packed_index(row, chunks, gl_WorkGroupID.y * subspace_chunks);
  float sum = 0;
  for (uint c = 0; c < subspace_chunks; ++c) {
    const vec4 value = packed[first + c * 32];
    sum += dot(value, value);
  }
  norms[gl_WorkGroupID.y * rows + row] = sum;
}
