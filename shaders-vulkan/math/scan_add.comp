#version 460
// data[i] += totals[i / 2048]: adds the scanned block totals back.
// One invocation adds to one value.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) restrict buffer data_ { uint data[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer totals_ { uint totals[]; };
layout(push_constant) uniform Params { uint count; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i < count) data[i] += totals[i / 2048];
}
