// attended row = softmax(scale q.k) v over positions max(0, p + 1 - window) to p (window 0: all), in `form`, for rows
// of one sequence: row r is at position steps[0].y + r, rows that are not live are last. queries:
// [row][heads][head_size], float32 or halves. Where head_size is no multiple of 32, blocks have no squares. head_size
// is at most 256.
// One threadgroup: 64 rows (x) of one head (y), over a page of 32 tokens at a time.
#include "contracts/attend_chunk.h"

#include "common/attend_chunk.h"

// Chunks of 32 of a head's numbers, eight quads each; PITCH keeps threads apart that read neighbouring rows.
constant uint CHUNKS = (head_size + 31) / 32;
constexpr constant uint MOST_CHUNKS = 8, PITCH = 9, WEIGHTS = 33;

struct Memory {
  threadgroup float4* left;    // queries
  threadgroup float4* right;   // keys or values
  threadgroup float* weights;  // of a page, at the end results
  threadgroup float* factors;
};

// Threads t bring the eighths of 32-wide rows: row t / 4, part t % 4.
inline void bring(threadgroup float4* to, Eight x, uint t) {
  to[t / 4 * PITCH + t % 4 * 2] = x.low;
  to[t / 4 * PITCH + t % 4 * 2 + 1] = x.high;
}

// Adds to scores: rows t / 16 + 16 r of left by rows t % 16 + 16 i of right.
inline void add_products(thread float2* scores, Memory memory, uint t) {
  for (uint i = 0; i < 8; i++) {
    const float4 a = memory.right[t % 16 * PITCH + i], b = memory.right[(t % 16 + 16) * PITCH + i];
    UNROLL for (uint r = 0; r < 4; r++) {
      const float4 query = memory.left[(t / 16 + 16 * r) * PITCH + i];
      scores[r] += float2(dot(query, a), dot(query, b));
    }
  }
}

// Four threads a row, which know its maximum and total: scores become weights, sums so far get a factor.
inline float2 weigh(float2 top, Memory memory, uint t) {
  threadgroup float* own = memory.weights + t / 4 * WEIGHTS + t % 4 * 8;
  float most = top.x, total = 0;
  for (uint i = 0; i < 8; i++) most = max(most, own[i]);
  most = max(most, simd_shuffle_xor(most, 1));
  most = max(most, simd_shuffle_xor(most, 2));
  for (uint i = 0; i < 8; i++) total += own[i] = fast::exp2(own[i] - most);
  total += simd_shuffle_xor(total, 1);
  total += simd_shuffle_xor(total, 2);
  const float factor = fast::exp2(top.x - most);
  if (t % 4 == 0) memory.factors[t / 4] = factor;
  return float2(most, top.y * factor + total);
}

// Weights by 32 values' columns of a chunk.
inline void add_values(thread float2* sums, Memory memory, uint t) {
  const uint row = t / 16, pair = t % 16;
  UNROLL for (uint r = 0; r < 4; r++) sums[r] *= memory.factors[row + 16 * r];
  for (uint token = 0; token < 32; token++) {
    const float4 four = memory.right[token * PITCH + pair / 2];
    const float2 value = pair % 2 == 0 ? four.xy : four.zw;
    UNROLL for (uint r = 0; r < 4; r++) sums[r] += memory.weights[(row + 16 * r) * WEIGHTS + token] * value;
  }
}

[[max_total_threads_per_threadgroup(256)]] kernel void attend_chunk(
    device const uint4* queries [[buffer(0)]], device const uint4* keys [[buffer(1)]],
    device const uint4* values [[buffer(2)]], device const uint* pages [[buffer(3)]],
    device const uint4* steps [[buffer(4)]], device uint* attended [[buffer(5)]], device float4* blocks [[buffer(6)]],
    constant Params& params [[buffer(7)]], uint3 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 left[64 * PITCH], right[32 * PITCH];
  threadgroup float weights[64 * WEIGHTS], factors[64];
  const Memory memory = {left, right, weights, factors};
  const Chunk rows = chunk_of(params, steps, group, t % 32);
  const uint heads = params.heads, kv_heads = params.kv_heads, row = t / 16, column = t % 16;
  const Pages cache = {pages + steps[0].z * params.page_stride, rows.head / (heads / kv_heads), kv_heads};
  const float factor = params.scale * M_LOG2E_F;  // exponents are of 2
  float2 sums[MOST_CHUNKS][4], top = float2(LEAST, 0);
  UNROLL for (uint chunk = 0; chunk < MOST_CHUNKS; chunk++) {
    UNROLL for (uint r = 0; r < 4; r++) sums[chunk][r] = float2(0);
  }
  for (uint first = rows.begin / 32 * 32; first < rows.end; first += 32) {
    float2 scores[4] = {float2(0), float2(0), float2(0), float2(0)};
    for (uint chunk = 0; chunk < CHUNKS; chunk++) {
      const uint part = chunk * 4 + t % 4;
      const Eight query = query_part(rows, queries, heads, t / 4, part);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      bring(left, {query.low * factor, query.high * factor}, t);
      if (t < 128) bring(right, halves_of(cached_part(rows, cache, keys, first + t / 4, part)), t);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      add_products(scores, memory, t);
    }
    UNROLL for (uint r = 0; r < 4; r++) {
      threadgroup float* to = weights + (row + 16 * r) * WEIGHTS + column;
      to[0] = rows.sees(row + 16 * r, first + column) ? scores[r].x : LEAST;
      to[16] = rows.sees(row + 16 * r, first + column + 16) ? scores[r].y : LEAST;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    top = weigh(top, memory, t);
    UNROLL for (uint chunk = 0; chunk < MOST_CHUNKS; chunk++) {
      if (chunk >= CHUNKS) continue;
      threadgroup_barrier(mem_flags::mem_threadgroup);
      if (t < 128) bring(right, halves_of(cached_part(rows, cache, values, first + t / 4, chunk * 4 + t % 4)), t);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      add_values(sums[chunk], memory, t);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t % 4 == 0) factors[t / 4] = t / 4 < rows.live ? 1 / top.y : 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  // A SIMD-group turns rows of its own, so that lanes have neighbouring numbers.
  UNROLL for (uint chunk = 0; chunk <= MOST_CHUNKS; chunk++) {
    if (chunk > CHUNKS) continue;
    simdgroup_barrier(mem_flags::mem_threadgroup);
    UNROLL for (uint r = 0; r < 4; r++) {
      const float2 result =
          chunk < MOST_CHUNKS ? sums[min(chunk, MOST_CHUNKS - 1)][r] * factors[row + 16 * r] : float2(0);
      weights[(row + 16 * r) * WEIGHTS + 2 * column] = result.x;
      weights[(row + 16 * r) * WEIGHTS + 2 * column + 1] = result.y;
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t / 32 * 2; i < 64; i += i % 2 == 0 ? 1 : 15) {
      if (rows.first + i >= params.rows) continue;
      const Columns to = columns_of({attended, blocks, t % 32}, rows.first + i, rows.head, heads, head_size);
      if (chunk * 32 < to.padded) to.store(chunk * 32 + t % 32, weights[i * WEIGHTS + t % 32]);
    }
  }
}
