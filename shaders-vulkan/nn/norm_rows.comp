#version 460
// h = hidden row (adds 1: + added; 2: + added / rms(added) * post_norm), kept in hidden; values = h / rms(h) * norm in
// `form`; rms(x) = sqrt(mean x^2 + epsilon). One workgroup: hidden and added row first_row + w, row w of values.
#extension GL_GOOGLE_include_directive : require

// One row of a step has the GPU for itself: many threads, so that few loads of each follow one another.
layout(local_size_x = 1024) in;
const uint THREADS = gl_WorkGroupSize.x;
layout(constant_id = 0) const uint adds = 0;
layout(constant_id = 1) const uint form = 0;
layout(set = 0, binding = 0, std430) restrict buffer hidden_ { float hidden[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer added_ { float added[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer post_norm_ { float post_norm[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer norm_ { float norm[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer values_ { uint values[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params { uint rows, columns, stride, first_row; float epsilon; };

#include "../common/index.glsl"
#include "../common/sum.glsl"
#include "../common/store_block.glsl"

// Of a row's numbers, where the workgroup's sum of their squares is `squares`.
float inverse_rms(float squares) { return inversesqrt(workgroup_sum(squares) / float(columns) + epsilon); }

void main() {
  const uint t = gl_LocalInvocationIndex, row = linear_workgroup(), row_blocks = (columns + 31) / 32;
  if (row >= rows) return;
  const uint from = (first_row + row) * row_blocks * 32, from_added = (first_row + row) * stride;
  float scale = 1, squares = 0;
  if (adds == 2) {
    for (uint i = t; i < columns; i += THREADS) squares += added[from_added + i] * added[from_added + i];
    scale = inverse_rms(squares);
    squares = 0;
  }
  for (uint i = t; i < columns; i += THREADS) {
    float h = hidden[from + i];
    if (adds != 0) {
      h += adds == 2 ? added[from_added + i] * scale * post_norm[i] : added[from_added + i];
      hidden[from + i] = h;
    }
    squares += h * h;
  }
  scale = inverse_rms(squares);
  for (uint first = 0; first < row_blocks * 32; first += THREADS) {
    const uint i = first + t;
    const float h = i < columns ? hidden[from + i] : 0;
    store_blocks(row * row_blocks + i / 32, i < row_blocks * 32, i < columns ? h * scale * norm[i] : 0, h * scale);
  }
}
