#version 460
// scores[row] = logits[row][target] - log(sum of exp(logits[row])); 0 where the target is NONE.
// One workgroup does one row; a thread keeps the sum relative to the largest logit that it has seen.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer logits_ { float logits[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer targets_ { uint targets[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer scores_ { float scores[]; };
layout(push_constant) uniform Params { uint rows, vocabulary, stride; };

#include "../common/index.glsl"

const float LOWEST = -3.402823466e38;
shared vec2 parts[256];  // (largest, sum relative to it)

// Relative to the larger of the two; the order of the two does not matter.
vec2 merged(vec2 a, vec2 b) {
  const float largest = max(a.x, b.x);
  return vec2(largest, a.y * exp(a.x - largest) + b.y * exp(b.x - largest));
}

void main() {
  const uint row = linear_workgroup(), t = gl_LocalInvocationIndex;
  if (row >= rows) return;
  const uint target = targets[row];
  if (target == NONE) {
    if (t == 0) scores[row] = 0;
    return;
  }
  vec2 own = vec2(LOWEST, 0);
  precise float lost = 0;  // Kahan: what the sum is too large by
  for (uint base = t; base < vocabulary; base += 2048) {
    float values[8], largest = own.x;
    [[unroll]] for (uint i = 0; i < 8; i++) {
      values[i] = base + i * 256 < vocabulary ? logits[row * stride + base + i * 256] : -INFINITY;
      largest = max(largest, values[i]);
    }
    float sum = 0;
    [[unroll]] for (uint i = 0; i < 8; i++) sum += exp(values[i] - largest);
    const float factor = exp(own.x - largest);
    precise float added = sum - lost * factor, before = own.y * factor, after = before + added;
    lost = after - before;
    lost = lost - added;
    own = vec2(largest, after);
  }
  parts[t] = own;
  barrier();
  for (uint lanes = 128; lanes > 0; lanes >>= 1) {
    if (t < lanes) parts[t] = merged(parts[t], parts[t + lanes]);
    barrier();
  }
  if (t == 0) scores[row] = logits[row * stride + min(target, vocabulary - 1)] - parts[0].x - log(parts[0].y);
}
