#version 460
// Adam: weights -= rate * m / (sqrt(v) + epsilon), m and v running means of the gradient and of its square.
// One invocation a weight. schedule[step] holds rate and epsilon with their corrections for the steps so far.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) restrict buffer weights_ { float weights[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer gradient_ { float gradient[]; };
layout(set = 0, binding = 2, std430) restrict buffer moments_ { vec2 moments[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer schedule_ { vec2 schedule[]; };
layout(push_constant) uniform Params { uint count, step; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= count) return;
  const float g = gradient[i];
  const vec2 moment = moments[i] * vec2(0.9, 0.999) + vec2(0.1, 0.001) * vec2(g, g * g);
  const vec2 rate = schedule[step];
  moments[i] = moment;
  weights[i] -= rate.x * moment.x / (sqrt(moment.y) + rate.y);
}
