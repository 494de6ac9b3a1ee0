#version 460
// residuals[row] = points[row] - centroids[labels[row]]; padding rows are zero.
// One invocation handles one chunk.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer points_ { vec4 points[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer centroids_ { vec4 centroids[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer labels_ { uint labels[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer residuals_ { vec4 residuals[]; };
layout(push_constant) uniform Params { uint rows, chunks; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= (rows + 31) / 32 * 32 * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32;
  vec4 value = vec4(0);
  if (row < rows) value = points[i] - centroids[packed_index(labels[row], chunks, i / 32 % chunks)];
  residuals[i] = value;
}
