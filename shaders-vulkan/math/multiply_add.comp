#version 460
// results[i] = sum of 8 chains x -> x * factor + addend, from start[i] + chain, after `rounds` steps.
// One invocation does 16 * rounds operations without touching memory.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer start_ { float start[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer results_ { float results[]; };
layout(push_constant) uniform Params { uint count, rounds; float factor, addend; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= count) return;
  vec4 low = start[i] + vec4(0, 1, 2, 3);
  vec4 high = start[i] + vec4(4, 5, 6, 7);
  for (uint round = 0; round < rounds; ++round) {
    low = fma(low, vec4(factor), vec4(addend));
    high = fma(high, vec4(factor), vec4(addend));
  }
  low += high;
  results[i] = (low.x + low.y) + (low.z + low.w);
}
