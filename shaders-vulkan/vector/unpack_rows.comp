#version 460
// rows_out[row, d] = dimension d of a packed row.
// One invocation moves one word.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer packed_ { uvec4 packed[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer rows_out_ { uint rows_out[]; };
layout(push_constant) uniform Params { uint rows, dimensions, subdimensions, chunks; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= rows * dimensions) return;
  const uint dimension = i % dimensions;
  const uint within = dimension % subdimensions;
  const uint chunk = dimension / subdimensions * ((subdimensions + 3) / 4) + within / 4;
  rows_out[i] = packed[packed_index(i / dimensions, chunks, chunk)][within % 4];
}
