#version 460
// results[row][first_column + o] = inputs[row] . weights[o] (+ bias[first_bias + o] with_bias) (+ itself, epilogue 1).
// One workgroup: tile_rows (at most 128) rows of inputs x 128 outputs. inputs: [row][blocks of 32], float32 or halves.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint kind = 0;
layout(constant_id = 1) const uint scaling = 0;
layout(constant_id = 2) const uint half_input = 0;
layout(constant_id = 3) const uint epilogue = 0;
layout(constant_id = 4) const uint with_bias = 0;
layout(constant_id = 5) const uint tile_rows = 128;
layout(constant_id = 6) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer scales_ { uvec2 scales[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer inputs_ { uvec4 inputs[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 4, std430) restrict buffer results_ { float results[]; };
layout(push_constant) uniform Params { uint rows, outputs, blocks, stride, first_column, first_bias; };

#include "../common/weights.glsl"
#include "../common/weight_values.glsl"

uint end_row() { return min(rows, (gl_WorkGroupID.x + 1) * tile_rows); }

vec4 fetch_a(uint row, uint chunk) {
  if (row >= end_row()) return vec4(0);
  if (half_input == 0) return uintBitsToFloat(inputs[row * blocks * 8 + chunk]);
  const uvec4 four = inputs[row * blocks * 4 + chunk / 2];
  const uvec2 words = chunk % 2 == 0 ? four.xy : four.zw;
  return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
}

vec4 fetch_b(uint row, uint chunk) { return row < outputs ? weights_at(row, chunk, blocks) : vec4(0); }

// Neighbouring threads read neighbouring rows of weights, whose chunks lie side by side.
#define COLUMN(quad, i) ((quad) + 32 * (i))
#include "../common/matrix_tile.glsl"

void main() {
  const uint first_row = gl_WorkGroupID.x * tile_rows, first_output = gl_WorkGroupID.y * TILE;
  sum_tile(first_row, first_output, blocks * 8);
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++)
  [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint row = first_row + row_of(r), column = first_output + column_of(h, i);
    if (row >= end_row() || column >= outputs) continue;
    float value = tile_sums[r][h][i];
    if (with_bias == 1) value += bias[first_bias + column];
    const uint at = row * stride + first_column + column;
    results[at] = epilogue == 1 ? results[at] + value : value;
  }
}
