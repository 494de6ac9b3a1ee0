#version 460
// values[row][i] = act(gate[i]) * up[i] in `form`, act 0 silu, 1 gelu (its tanh form); or 2: the numbers as they are.
// Gate and up alternate by 32 numbers of a row. One workgroup: 8 blocks of 32 results.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint activation = 0;
layout(constant_id = 1) const uint form = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { float source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer values_ { uint values[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params { uint rows, columns, stride; };

#include "../common/activation.glsl"
#include "../common/index.glsl"
#include "../common/store_block.glsl"

float result_at(uint row, uint i) {
  if (activation == 2) return source[row * stride + i];
  const uint at = row * stride + i / 32 * 64 + i % 32;
  return activate_gate(activation, source[at]) * source[at + 32];
}

void main() {
  const uint row_blocks = (columns + 31) / 32, block = linear_workgroup() * 8 + gl_LocalInvocationIndex / 32;
  const uint row = block / row_blocks, i = block % row_blocks * 32 + gl_LocalInvocationIndex % 32;
  const float result = row < rows && i < columns ? result_at(row, i) : 0;
  store_blocks(block, row < rows, result, result);
}
