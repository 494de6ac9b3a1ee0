#version 460
// vectors[r][n] = activate(scale[r] * sum over k of code[r][k] weights[n][k] + bias[n]).
// One workgroup: 128 rows of codes (whole words) against 128 packed rows of weights.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint activation = 0;
layout(constant_id = 1) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer codes_ { uint codes[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer scales_ { float scales[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer weights_ { vec4 weights[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer vectors_ { float vectors[]; };
layout(push_constant) uniform Params { uint rows, dimensions, words; };

#include "../common/activation.glsl"
#include "../common/index.glsl"

vec4 fetch_a(uint row, uint chunk) {
  const int word = row < rows ? int(codes[row * words + chunk]) : 0;
  return vec4(bitfieldExtract(word, 0, 8), bitfieldExtract(word, 8, 8), bitfieldExtract(word, 16, 8), word >> 24);
}
vec4 fetch_b(uint row, uint chunk) { return weights[packed_index(row, words, chunk)]; }

#define COLUMN(quad, i) ((quad) + 32 * (i))
#include "../common/matrix_tile.glsl"

void main() {
  const uint first_row = gl_WorkGroupID.y * TILE, first_column = gl_WorkGroupID.x * TILE;
  sum_tile(first_row, first_column, words);
  [[unroll]] for (uint r = 0; r < 8; r++) {
    const uint row = first_row + row_of(r);
    if (row >= rows) continue;
    const float scale = scales[row];
    [[unroll]] for (uint h = 0; h < 2; h++) [[unroll]] for (uint i = 0; i < 4; i++) {
      const uint column = first_column + column_of(h, i);
      if (column < dimensions)
        vectors[row * dimensions + column] = activate(activation, fma(scale, tile_sums[r][h][i], bias[column]));
    }
  }
}
