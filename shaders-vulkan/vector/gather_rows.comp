#version 460
// gathered[k, c] = packed[ids[m, k], c] with m the subspace of chunk c; padding rows are zero.
// One invocation moves one chunk.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer packed_ { uvec4 packed[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer ids_ { uint ids[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer gathered_ { uvec4 gathered[]; };
layout(push_constant) uniform Params { uint rows, padded_rows, chunks, subspace_chunks; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= padded_rows * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32;
  const uint chunk = i / 32 % chunks;
  uvec4 value = uvec4(0);
  if (row < rows) value = packed[packed_index(ids[chunk / subspace_chunks * rows + row], chunks, chunk)];
  gathered[i] = value;
}
