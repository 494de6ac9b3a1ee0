#version 460
// result[m][n] = activate(sum over k of a[m][k] b[n][k] + bias[n]); both sides strided, so any of them may be transposed.
// One workgroup: 128 x 128 results. combine 1 multiplies by the activation's slope at other[m][n], 2 subtracts other.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint activation = 0;
layout(constant_id = 1) const uint activate_a = 0;
layout(constant_id = 2) const uint activate_b = 0;
layout(constant_id = 3) const uint activate_result = 0;
layout(constant_id = 4) const uint with_bias = 0;
layout(constant_id = 5) const uint combine = 0;
layout(constant_id = 6) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer a_ { float a[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer b_ { float b[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer other_ { float other[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer result_ { float result[]; };
layout(push_constant) uniform Params { uint rows, columns, depth, a_row, a_step, b_row, b_step; };

#include "../common/activation.glsl"

vec4 fetch_a(uint row, uint chunk) {
  vec4 values = vec4(0);
  [[unroll]] for (uint i = 0; i < 4; i++)
    if (row < rows && chunk * 4 + i < depth) values[i] = a[row * a_row + (chunk * 4 + i) * a_step];
  if (activate_a == 1) [[unroll]] for (uint i = 0; i < 4; i++) values[i] = activate(activation, values[i]);
  return values;
}

vec4 fetch_b(uint row, uint chunk) {
  vec4 values = vec4(0);
  [[unroll]] for (uint i = 0; i < 4; i++)
    if (row < columns && chunk * 4 + i < depth) values[i] = b[row * b_row + (chunk * 4 + i) * b_step];
  if (activate_b == 1) [[unroll]] for (uint i = 0; i < 4; i++) values[i] = activate(activation, values[i]);
  return values;
}

#define COLUMN(quad, i) ((quad) + 32 * (i))
#include "../common/matrix_tile.glsl"

void main() {
  const uint first_row = gl_WorkGroupID.y * TILE, first_column = gl_WorkGroupID.x * TILE;
  sum_tile(first_row, first_column, (depth + 3) / 4);
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint row = first_row + row_of(r), column = first_column + column_of(h, i);
    if (row >= rows || column >= columns) continue;
    float value = tile_sums[r][h][i];
    if (with_bias == 1) value += bias[column];
    if (activate_result == 1) value = activate(activation, value);
    if (combine == 1) value *= activation_slope(activation, other[row * columns + column]);
    if (combine == 2) value -= other[row * columns + column];
    result[row * columns + column] = value;
  }
}
