#version 460
// data[i] = sum of the data before i in its block of 2048; totals[b] = sum of block b.
// One workgroup scans one block, 8 neighbouring values a thread.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) restrict buffer data_ { uint data[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer totals_ { uint totals[]; };
layout(push_constant) uniform Params { uint count; };

#include "../common/index.glsl"
#include "../common/scan.glsl"

void main() {
  const uint block = linear_workgroup();
  if (block >= (count + 2047) / 2048) return;
  const uint first = block * 2048 + gl_LocalInvocationIndex * 8;
  const uint last = min(first + 8, count);
  uint own = 0;
  for (uint i = first; i < last; ++i) own += data[i];
  const uint inclusive = workgroup_inclusive_scan(own);
  uint running = inclusive - own;
  for (uint i = first; i < last; ++i) {
    const uint value = data[i];
    data[i] = running;
    running += value;
  }
  if (gl_LocalInvocationIndex == 255) totals[block] = inclusive;
}
