#version 460
// Heads of the rows of a fused projection, queries and keys normed and rotated: queries to [row][head][head_size] (float32
// or halves), keys and values as halves to their sequences' pages [page][kv head][32 tokens][head_size].
// One workgroup: 256 / LANES of a row's (y) heads: queries', then keys', then values'.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint head_size = 128;
layout(constant_id = 1) const uint rope_style = 2;
layout(constant_id = 2) const uint normed = 0;
layout(constant_id = 3) const uint half_queries = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer projected_ { float projected[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer query_norm_ { float query_norm[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer key_norm_ { float key_norm[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer rope_ { vec2 rope[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer pages_ { uint pages[]; };
layout(set = 0, binding = 5, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 6, std430) writeonly restrict buffer queries_ { uvec4 queries[]; };
layout(set = 0, binding = 7, std430) writeonly restrict buffer keys_ { uvec4 keys[]; };
layout(set = 0, binding = 8, std430) writeonly restrict buffer values_ { uvec4 values[]; };
layout(push_constant) uniform Params {
  uint heads, kv_heads, stride, k_offset, v_offset, rope_dims, page_stride;
  float epsilon;
};

#include "../common/rope.glsl"

void main() {
  const uint t = gl_LocalInvocationIndex, row = gl_WorkGroupID.y, part = t % LANES;
  const uint item = gl_WorkGroupID.x * (256 / LANES) + t / LANES;
  const uvec4 step = steps[row];  // token, position, slot, live
  const bool live = item < heads + 2 * kv_heads && part < PARTS && step.w != 0;
  const bool is_query = item < heads, is_value = item >= heads + kv_heads;
  const uint head = is_query ? item : is_value ? item - heads - kv_heads : item - heads;
  const uint offset = is_query ? 0 : is_value ? v_offset : k_offset;
  const uint from = row * stride + offset + head * head_size;
  const Eight x = rotated_part(live, from, part, step.y, is_query ? IS_QUERY : is_value ? IS_VALUE : IS_KEY);
  if (!live) return;
  if (is_query) {
    const uint at = (row * heads + head) * PARTS + part;
    if (half_queries == 1) queries[at] = halves_from(x);
    else {
      queries[2 * at] = floatBitsToUint(x.low);
      queries[2 * at + 1] = floatBitsToUint(x.high);
    }
    return;
  }
  const uint page = pages[step.z * page_stride + step.y / 32];
  const uint at = ((page * kv_heads + head) * 32 + step.y % 32) * PARTS + part;
  if (is_value) values[at] = halves_from(x);
  else keys[at] = halves_from(x);
}
