// attend_chunk on matrices of 8 x 8 halves with float32 sums. Each of the threadgroup's four SIMD-groups has 16 of its
// 64 rows to itself, or in two passes 8 of longer heads: queries and results stay in its registers, and scores pass
// through its own part of threadgroup memory. Keys and values lie in threadgroup memory in turns, one on its way while
// the other is multiplied, or when it is needed. head_size is a multiple of 16, at most 256.
#include "contracts/attend_chunk_coop.h"

#include <metal_simdgroup_matrix>

#include "common/attend_chunk.h"

#include "common/attend_chunk_coop.h"

[[max_total_threads_per_threadgroup(128)]] kernel void attend_chunk_coop(
    device const uint4* queries [[buffer(0)]], device const uint4* keys [[buffer(1)]],
    device const uint4* values [[buffer(2)]], device const uint* pages [[buffer(3)]],
    device const uint4* steps [[buffer(4)]], device uint* attended [[buffer(5)]], device float4* blocks [[buffer(6)]],
    constant Params& params [[buffer(7)]], uint3 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 scores[64 * SCORE_PITCH / 4];
  threadgroup uint4 tile[MOST_TILE];
  const Chunk rows = chunk_of(params, steps, group, t % 32);
  const Pages cache = {pages + steps[0].z * params.page_stride, rows.head / (params.heads / params.kv_heads),
                       params.kv_heads};
  for (uint pass = 0; pass < 64; pass += 4 * SIDE) {
    const uint first_row = pass + t / 32 * SIDE, position = rows.position + first_row;
    const uint begin = rows.start_of(rows.position + pass) / TILE * TILE;
    const uint end = pass < rows.live ? min(rows.end, rows.position + pass + 4 * SIDE) : 0;
    Attention own;
    own.scores = (threadgroup float*)scores + t / 32 * SIDE * SCORE_PITCH;
    own.first_row = first_row;
    own.lane = t % 32;
    own.take_queries(rows, queries, params.heads);
    Coming coming;
    if (!IS_LONG) coming.fetch(rows, cache, keys, begin, t);
    for (uint first = begin; first < end; first += TILE) {
      const bool is_part = first_row < rows.live && first <= position + SIDE - 1;
      if (IS_LONG) coming.fetch(rows, cache, keys, first, t);
      coming.keep(tile, t);
      if (!IS_LONG) coming.fetch(rows, cache, values, first, t);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      if (is_part) {
        own.score((threadgroup const half*)tile);
        const float factor = own.weigh(rows, first, params.scale * M_LOG2E_F);  // exponents are of 2
        if (simd_any(factor != 1)) own.scale_sums(factor);
      }
      threadgroup_barrier(mem_flags::mem_threadgroup);
      if (IS_LONG) coming.fetch(rows, cache, values, first, t);
      coming.keep(tile, t);
      if (!IS_LONG && first + TILE < end) coming.fetch(rows, cache, keys, first + TILE, t);
      threadgroup_barrier(mem_flags::mem_threadgroup);
      if (is_part) own.add_values((threadgroup const half*)tile);
      threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    // A row that is not live has no number to divide by.
    own.scale_sums(first_row + own.row() < rows.live ? 1 / own.total : 0);
    own.store(rows, params, {attended, blocks, own.lane});
  }
}
