#version 460
// sums[row, b] = sum of values[row, 4096 b .. 4096 b + 4095] in a fixed tree order.
// One workgroup sums one block of one row.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer values_ { float values[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer sums_ { float sums[]; };
layout(push_constant) uniform Params { uint count, rows; };

#include "../common/sum.glsl"

void main() {
  const uint row = gl_WorkGroupID.y;
  if (row >= rows) return;
  const uint first = gl_WorkGroupID.x * 4096;
  const uint last = min(first + 4096, count);
  float own = 0;
  for (uint i = first + gl_LocalInvocationIndex; i < last; i += 256) own += values[row * count + i];
  const float total = workgroup_sum(own);
  if (gl_LocalInvocationIndex == 0) sums[row * gl_NumWorkGroups.x + gl_WorkGroupID.x] = total;
}
