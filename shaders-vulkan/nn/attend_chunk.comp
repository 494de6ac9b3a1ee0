#version 460
// attended row = softmax(scale q.k) v over positions max(0, p + 1 - window) to p (window 0: all), in `form`, for rows of one
// sequence: row r is at position steps[0].y + r, rows that are not live are last. queries: [row][heads][head_size], float32
// or halves. Where head_size is no multiple of 32, blocks have no squares.
// One workgroup: 64 rows (x) of one head (y), over a page of 32 tokens at a time.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint head_size = 128;
layout(constant_id = 1) const uint half_queries = 0;
layout(constant_id = 2) const uint form = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { uvec4 queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer keys_ { uvec4 keys[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer values_ { uvec4 values[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer pages_ { uint pages[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer attended_ { uint attended[]; };
layout(set = 0, binding = 6, std430) writeonly restrict buffer blocks_ { vec4 blocks[]; };
layout(push_constant) uniform Params { uint rows, heads, kv_heads, page_stride, window; float scale; };

#define STORED_VALUES attended
#define STORED_BLOCKS blocks
#include "../common/store_block.glsl"
#include "../common/attend_chunk.glsl"

// Chunks of 32 of a head's numbers, eight quads each; PITCH keeps threads apart that read neighbouring rows.
const uint CHUNKS = (head_size + 31) / 32, PITCH = 9;
shared vec4 left[64 * PITCH];  // queries
shared vec4 right[32 * PITCH];  // keys or values
shared float weights[64 * 33];  // of a page, at the end results
shared float maxima[64], totals[64], factors[64];
vec2 sums[CHUNKS][4];

uint page_of(uint page) { return (pages[steps[0].z * page_stride + page] * kv_heads + kv_head()) * 32 * PARTS; }

// Threads t bring the eighths of 32-wide rows: row t / 4, part t % 4.
void bring_right(uint chunk, uint from, bool is_value, uint begin, uint end) {
  const uint t = gl_LocalInvocationIndex, row = t / 4, part = chunk * 4 + t % 4;
  if (row >= 32) return;
  // What was never written may be no number.
  uvec4 words = uvec4(0);
  const uint at = from + row * PARTS + part;
  if (part < PARTS && row >= begin && row < end) words = is_value ? values[at] : keys[at];
  right[row * PITCH + t % 4 * 2] = vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
  right[row * PITCH + t % 4 * 2 + 1] = vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w));
}

void bring_left(uint chunk, uint live) {
  const uint t = gl_LocalInvocationIndex, row = t / 4, part = chunk * 4 + t % 4;
  vec4 two[2] = vec4[](vec4(0), vec4(0));
  if (row < live && part < PARTS) query_part(gl_WorkGroupID.x * 64 + row, part, two);
  left[row * PITCH + t % 4 * 2] = two[0] * (scale * 1.4426950408889634);
  left[row * PITCH + t % 4 * 2 + 1] = two[1] * (scale * 1.4426950408889634);
}

// Exponents of 2 of the page at `from` whose first token is `first`.
void score_page(uint from, uint first, uvec2 range, uint live) {
  const uint t = gl_LocalInvocationIndex, row = t / 16, column = t % 16;
  float scores[4][2] = float[4][2](float[](0, 0), float[](0, 0), float[](0, 0), float[](0, 0));
  for (uint chunk = 0; chunk < CHUNKS; chunk++) {
    barrier();
    bring_left(chunk, live);
    bring_right(chunk, from, false, range.x, range.y);
    barrier();
    for (uint i = 0; i < 8; i++) {
      const vec4 a = right[column * PITCH + i], b = right[(column + 16) * PITCH + i];
      [[unroll]] for (uint r = 0; r < 4; r++) {
        const vec4 query = left[(row + 16 * r) * PITCH + i];
        scores[r][0] += dot(query, a);
        scores[r][1] += dot(query, b);
      }
    }
  }
  [[unroll]] for (uint r = 0; r < 4; r++) {
    [[unroll]] for (uint i = 0; i < 2; i++) {
      const uint token = first + column + 16 * i;
      weights[(row + 16 * r) * 33 + column + 16 * i] = is_seen(row + 16 * r, token) ? scores[r][i] : LEAST;
    }
  }
}

// Four threads a row: scores become weights, sums so far get a factor.
void weigh() {
  const uint row = gl_LocalInvocationIndex / 4, at = row * 33 + gl_LocalInvocationIndex % 4 * 8;
  float most = maxima[row], total = 0;
  const float before = most;
  for (uint i = 0; i < 8; i++) most = max(most, weights[at + i]);
  most = max(most, subgroupShuffleXor(most, 1));
  most = max(most, subgroupShuffleXor(most, 2));
  for (uint i = 0; i < 8; i++) total += weights[at + i] = exp2(weights[at + i] - most);
  total += subgroupShuffleXor(total, 1);
  total += subgroupShuffleXor(total, 2);
  if (gl_LocalInvocationIndex % 4 != 0) return;
  factors[row] = exp2(before - most);
  maxima[row] = most;
  totals[row] = totals[row] * factors[row] + total;
}

void add_values(uint from, uvec2 range) {
  const uint t = gl_LocalInvocationIndex, row = t / 16, pair = t % 16;
  [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
    barrier();
    bring_right(chunk, from, true, range.x, range.y);
    barrier();
    [[unroll]] for (uint r = 0; r < 4; r++) sums[chunk][r] *= factors[row + 16 * r];
    for (uint token = 0; token < 32; token++) {
      const vec4 four = right[token * PITCH + pair / 2];
      const vec2 value = pair % 2 == 0 ? four.xy : four.zw;
      [[unroll]] for (uint r = 0; r < 4; r++)
        sums[chunk][r] = fma(vec2(weights[(row + 16 * r) * 33 + token]), value, sums[chunk][r]);
    }
  }
}

void main() {
  const uint t = gl_LocalInvocationIndex, live = live_rows();
  if (t < 64) maxima[t] = LEAST, totals[t] = 0;
  [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
    [[unroll]] for (uint r = 0; r < 4; r++) sums[chunk][r] = vec2(0);
  }
  const uvec2 tokens = seen_tokens(live);
  for (uint page = tokens.x / 32; page * 32 < tokens.y; page++) {
    const uint from = page_of(page), first = page * 32;
    const uvec2 range = uvec2(max(tokens.x, first) - first, min(tokens.y - first, 32));
    score_page(from, first, range, live);
    barrier();
    weigh();
    add_values(from, range);
  }
  barrier();
  [[unroll]] for (uint chunk = 0; chunk < CHUNKS; chunk++) {
    [[unroll]] for (uint r = 0; r < 4; r++) {
      const uint row = t / 16 + 16 * r;
      const vec2 result = row < live ? sums[chunk][r] / totals[row] : vec2(0);
      weights[row * 33 + t % 16 * 2] = result.x;
      weights[row * 33 + t % 16 * 2 + 1] = result.y;
    }
    barrier();
    for (uint i = t / 32; i < 64; i += 8) store_chunk(i, chunk, weights[i * 33 + t % 32]);
    barrier();
  }
  if (head_size % 32 == 0) return;
  for (uint i = t / 32; i < 64; i += 8) store_chunk(i, CHUNKS, 0);  // padding that ends behind the head's last chunk
}
