#version 460
// y[row][o] = r * (activation row . weights[o]) + bias[o]; r = 1 / sqrt(mean square + epsilon) where normalised, else 1.
// epilogue 0: results[row][first_column + o] = y. 3: results += y. 1: the same, and next = results * norm, an activation.
// 2: next = act(gate) * up, where even tiles of weights are gates, odd ones ups; activation 0 SiLU, 1 GELU (tanh).
// int weights take q8 activations, others float32 ones. One workgroup: 32 outputs (a tile; when gated, a pair of them)
// of `columns` rows (1, 2, 4, 8, 16). 16 slices of 32 lanes share the blocks of a row; split (1, 2, 4) divides columns.
// ahead (1, 2, 4, 8): blocks of quants that a lane reads at once; 8: four, and the next four while it uses them.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_integer_dot_product : require
#extension GL_KHR_shader_subgroup_ballot : require

layout(local_size_x = 512) in;
layout(constant_id = 0) const uint kind = 4;
layout(constant_id = 1) const uint scaling = 1;
layout(constant_id = 2) const uint columns = 1;
layout(constant_id = 3) const uint normalised = 0;
layout(constant_id = 4) const uint epilogue = 0;
layout(constant_id = 5) const uint activation = 0;
layout(constant_id = 6) const uint form = 2;
layout(constant_id = 7) const uint with_bias = 0;
layout(constant_id = 8) const uint unrolled = 1;
layout(constant_id = 9) const uint split = 1;
layout(constant_id = 10) const uint ahead = 4;
layout(set = 0, binding = 0, std430) readonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer scales_ { uvec2 scales[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer values_ { uvec4 values[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer blocks_ { vec4 blocks[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 5, std430) readonly restrict buffer norm_ { float norm[]; };
layout(set = 0, binding = 6, std430) restrict buffer results_ { float results[]; };
layout(set = 0, binding = 7, std430) writeonly restrict buffer next_values_ { uint next_values[]; };
layout(set = 0, binding = 8, std430) writeonly restrict buffer next_blocks_ { vec4 next_blocks[]; };
// outputs: of all workgroups and dispatches; first_output: the first of this one. stride: of results; of next in blocks.
layout(push_constant) uniform Params {
  uint rows, outputs, row_blocks, first_output, stride, first_column, next_stride;
  float epsilon, inputs;
};

#define STORED_VALUES next_values
#define STORED_BLOCKS next_blocks
#include "../common/activation.glsl"
#include "../common/store_block.glsl"
#include "../common/weights.glsl"

const uint SLICES = gl_WorkGroupSize.x / 32;
const uint STORE = 0, ADD = 1, GATED = 2, ADD_ALONE = 3;
const uint SETS = epilogue == GATED ? 2 : 1;
#include "../common/project_sums.glsl"
#include "../common/project_total.glsl"

// What an output's epilogue reads besides its total.
struct Held { float bias, up_bias, result, norm; };

Held held_of(uint row, uint output_index, bool within) {
  Held held = Held(0, 0, 0, 0);
  if (!within) return held;
  // Of gates and ups, biases lie as their tiles do.
  const uint first = epilogue == GATED ? output_index / 32 * 64 + output_index % 32 : output_index;
  if (with_bias == 1) held.bias = bias[first];
  if (with_bias == 1 && epilogue == GATED) held.up_bias = bias[first + 32];
  if (epilogue == ADD || epilogue == ADD_ALONE) held.result = results[row * stride + first_column + output_index];
  if (epilogue == ADD) held.norm = norm[output_index];
  return held;
}

void finish(uint row, uint output_index, bool within, Held held, float total[SETS]) {
  const uint at = row * stride + first_column + output_index;
  if (epilogue == GATED) {
    const float value = within ? activate_gate(activation, total[0] + held.bias) * (total[SETS - 1] + held.up_bias) : 0;
    store_blocks(row * next_stride + output_index / 32, row < rows, value, value);
    return;
  }
  const float result = total[0] + held.bias + held.result;
  if (within) results[at] = result;
  if (epilogue != ADD) return;
  store_blocks(row * next_stride + output_index / 32, row < rows, within ? result * held.norm : 0, within ? result : 0);
}

void main() {
  const uint lane = gl_LocalInvocationIndex % 32;
  uint slice = gl_LocalInvocationIndex / 32;
  // The same for a whole subgroup, which the compiler cannot know otherwise.
  if (gl_SubgroupSize <= 32) slice = subgroupBroadcastFirst(slice);
  own_column = split == 1 ? 0 : lane / LANES * OWN;
  [[unroll]] for (uint r = 0; r < ROWS; r++) [[unroll]] for (uint c = 0; c < OWN; c++) sums[r][c] = 0;
  // Slice s finishes row s: what it needs for that travels meanwhile.
  const uint row = slice < columns ? gl_WorkGroupID.y * columns + slice : rows;
  const uint output_index = first_output + gl_WorkGroupID.x * 32 + lane;
  const bool within = row < rows && output_index < outputs;
  const Held held = held_of(row, output_index, within);
  const float squares = normalised == 1 ? own_squares() : 0;
  sum_blocks(gl_WorkGroupID.x * SETS, slice, lane);
  float total[SETS];
  totals_of(slice, lane, squares, total);
  finish(row, output_index, within, held, total);
}
