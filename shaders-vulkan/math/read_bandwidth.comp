#version 460
// folded[i] = exclusive or of 16 vectors of words of workgroup i / 256: reads as fast as the memory goes.
// One workgroup reads 4096 vectors, 64 KiB.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { uvec4 source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer folded_ { uint folded[]; };
layout(push_constant) uniform Params { uint count; };

#include "../common/index.glsl"

void main() {
  const uint first = linear_workgroup() * 4096 + gl_LocalInvocationIndex;
  if (first - gl_LocalInvocationIndex >= count) return;
  uvec4 value = uvec4(0);
  for (uint i = 0; i < 16; ++i) {
    const uint at = first + i * 256;
    if (at < count) value ^= source[at];
  }
  folded[linear_invocation()] = value.x ^ value.y ^ value.z ^ value.w;
}
