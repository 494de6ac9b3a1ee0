#version 460
// limits[p] = greatest norms[p, row]; dimension `subdimensions` of each sub-vector = sqrt(limit - norm), so that all are
// of one length and nearest means greatest inner product (Bachrach et al., RecSys 2014). One workgroup does one p.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) restrict buffer packed_ { float packed[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer norms_ { float norms[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer limits_ { float limits[]; };
layout(push_constant) uniform Params { uint rows, chunks, subspace_chunks, subdimensions; };

#include "../common/index.glsl"

shared float greatest[256];

void main() {
  const uint t = gl_LocalInvocationIndex, p = linear_workgroup();
  if (p >= chunks / subspace_chunks) return;
  float own = 0;
  for (uint row = t; row < rows; row += 256) own = max(own, norms[p * rows + row]);
  greatest[t] = own;
  barrier();
  for (uint lanes = 128; lanes > 0; lanes /= 2) {
    if (t < lanes) greatest[t] = max(greatest[t], greatest[t + lanes]);
    barrier();
  }
  const float limit = greatest[0];
  if (t == 0) limits[p] = limit;
  const uint chunk = p * subspace_chunks + subdimensions / 4;
  for (uint row = t; row < rows; row += 256) {
    packed[packed_index(row, chunks, chunk) * 4 + subdimensions % 4] = sqrt(max(limit - norms[p * rows + row], 0));
  }
}
