#version 460
// hidden[row] = scale * weights[token of steps[row]], and with_next: values = hidden * norm in `form`. Dead rows get zeros.
// Only tokens in [first, last) are written, whose weights are here, and what has no token at all where first is 0.
// One workgroup: 8 blocks of 32 numbers of one row.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint kind = 0;
layout(constant_id = 1) const uint scaling = 0;
layout(constant_id = 2) const uint with_next = 0;
layout(constant_id = 3) const uint form = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer scales_ { uvec2 scales[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer norm_ { float norm[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer hidden_ { float hidden[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer values_ { uint values[]; };
layout(set = 0, binding = 6, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params { uint columns, first, last, vocabulary; float scale; };

#include "../common/store_block.glsl"
#include "../common/weights.glsl"
#include "../common/weight_values.glsl"

void main() {
  const uint t = gl_LocalInvocationIndex, row = gl_WorkGroupID.y, row_blocks = (columns + 31) / 32;
  const uvec4 step = steps[row];  // token, position, slot, live
  const bool found = step.w != 0 && step.x < vocabulary;
  if (found ? step.x < first || step.x >= last : first != 0) return;
  const uint block = gl_WorkGroupID.x * 8 + t / 32, column = block * 32 + t % 32;
  float number = 0;
  if (found && column < columns) number = scale * weights_at(step.x - first, column / 4, row_blocks)[column % 4];
  const bool live = block < row_blocks;
  if (live) hidden[row * row_blocks * 32 + column] = number;
  if (with_next == 0) return;
  store_blocks(row * row_blocks + block, live, column < columns ? number * norm[column] : 0, number);
}
