#version 460
// attended row = softmax(scale q.k) v over positions max(0, p + 1 - window) to p (window 0: all) of the row's sequence, in
// `form`. fused: projected holds rows of the projection, whose queries and new key and value are normed, rotated and kept
// here (rope_rows.comp); else rotated queries [row][heads][head_size]. Where group * head_size is no multiple of 32, blocks
// have no squares.
// One workgroup: a kv head (x) with its group of query heads over one share of the pages of a row (z). How many shares there
// are, up to the grid's y, depends on the length; the last one to end merges them: it finds counters 0 and leaves them so.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint head_size = 128;
layout(constant_id = 1) const uint group = 1;
layout(constant_id = 2) const uint rope_style = 2;
layout(constant_id = 3) const uint normed = 0;
layout(constant_id = 4) const uint fused = 1;
layout(constant_id = 5) const uint form = 0;
layout(constant_id = 6) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer projected_ { float projected[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer query_norm_ { float query_norm[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer key_norm_ { float key_norm[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer rope_ { vec2 rope[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer pages_ { uint pages[]; };
layout(set = 0, binding = 5, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 6, std430) restrict buffer keys_ { uvec4 keys[]; };
layout(set = 0, binding = 7, std430) restrict buffer values_ { uvec4 values[]; };
layout(set = 0, binding = 8, std430) coherent restrict buffer partials_ { vec4 partials[]; };
layout(set = 0, binding = 9, std430) coherent restrict buffer counters_ { uint counters[]; };
layout(set = 0, binding = 10, std430) writeonly restrict buffer attended_ { uint attended[]; };
layout(set = 0, binding = 11, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params {
  uint stride, k_offset, v_offset, rope_dims, page_stride, window;
  float epsilon, scale;
};

#define STORED_VALUES attended
#define STORED_BLOCKS blocks
#include "../common/store_block.glsl"
#include "../common/rope.glsl"
#include "../common/attend_rows.glsl"

void main() {
  const uint row = gl_WorkGroupID.z;
  const uvec4 step = steps[row];
  if (step.w == 0) {
    for (uint i = gl_LocalInvocationIndex; i < COLUMNS; i += 256) numbers[i] = 0;
    if (gl_LocalInvocationIndex < group) totals[gl_LocalInvocationIndex] = vec2(0, 1);
    barrier();
    if (gl_WorkGroupID.y == 0) store_numbers(row);
    return;
  }
  const Share share = own_share(step);
  if (gl_WorkGroupID.y >= share.count) return;
  attend_share(row, step, share);
  merge_slots(share.end - share.begin);
  if (share.count > 1 && !merge_shares(row, share.count)) return;
  store_numbers(row);
}
