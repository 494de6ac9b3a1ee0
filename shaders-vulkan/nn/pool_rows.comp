#version 460
// pooled[target] = the mean of a sequence's rows, or its last row, then divided by its length where `normalised`. A
// span is (first row, rows here, rows before, rows in all, target): sums of a sequence in several dispatches wait in
// `pooled`. One workgroup does one span, a thread every 256th dimension.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint last = 0;
layout(constant_id = 1) const uint normalised = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer hidden_ { float hidden[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer spans_ { uint spans[]; };
layout(set = 0, binding = 2, std430) restrict buffer pooled_ { float pooled[]; };
layout(push_constant) uniform Params { uint sequences, dimensions, stride; };

#include "../common/index.glsl"
#include "../common/sum.glsl"

// Four sums, so that loads do not wait for each other.
float sum_rows(uint first, uint count) {
  float sums[4] = float[](0, 0, 0, 0);
  uint row = 0;
  for (; row + 4 <= count; row += 4) {
    [[unroll]] for (uint i = 0; i < 4; i++) sums[i] += hidden[first + (row + i) * stride];
  }
  for (; row < count; row++) sums[0] += hidden[first + row * stride];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void main() {
  const uint span = linear_workgroup() * 5;
  if (span >= sequences * 5) return;
  const uint first = spans[span], count = spans[span + 1], before = spans[span + 2], total = spans[span + 3];
  const uint to = spans[span + 4] * dimensions;
  const bool ends = before + count >= total;
  if (count == 0) return;
  float squares = 0;
  for (uint d = gl_LocalInvocationIndex; d < dimensions; d += 256) {
    float value;
    if (last != 0) {
      value = hidden[(first + count - 1) * stride + d];
    } else {
      value = sum_rows(first * stride + d, count);
      if (before != 0) value += pooled[to + d];
      if (ends) value /= float(total);
    }
    pooled[to + d] = value;
    squares += value * value;
  }
  if (normalised == 0 || !ends) return;
  const float sum = workgroup_sum(squares);
  if (!(sum > 0)) return;
  const float scale = 1 / sqrt(sum);
  for (uint d = gl_LocalInvocationIndex; d < dimensions; d += 256) pooled[to + d] *= scale;
}
