// attended row = softmax(scale q.k) v over positions max(0, p + 1 - window) to p (window 0: all) of the row's sequence,
// in `form`. fused: projected holds rows of the projection, whose queries and new key and value are normed, rotated and
// kept here (rope_rows.metal); else rotated queries [row][heads][head_size]. Where group * head_size is no multiple of
// 32, blocks have no squares. The group is at most 16 heads of at most 256 numbers, the grid's y at most 32.
// One threadgroup: a kv head (x) with its group of query heads over one share of the pages of a row (z). How many
// shares there are, up to the grid's y, depends on the length; the last one to end merges them: it finds counters 0 and
// leaves them so.
#include "contracts/attend_rows.h"

#include "common/attend_rows.h"

#include "common/attend_results.h"
#include "common/store_columns.h"

[[max_total_threads_per_threadgroup(256)]] kernel void attend_rows(
    device const float* projected [[buffer(0)]], device const float* query_norm [[buffer(1)]],
    device const float* key_norm [[buffer(2)]], device const float2* rope [[buffer(3)]],
    device const uint* pages [[buffer(4)]], device const uint4* steps [[buffer(5)]], device uint4* keys [[buffer(6)]],
    device uint4* values [[buffer(7)]], device atomic_float* partials [[buffer(8)]],
    device atomic_uint* counters [[buffer(9)]], device uint* attended [[buffer(10)]],
    device float4* blocks [[buffer(11)]], constant Params& params [[buffer(12)]],
    uint3 place [[threadgroup_position_in_grid]], uint3 grid [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 numbers[1024];
  threadgroup float2 tops[512], totals[16];
  threadgroup uint4 fresh[64];
  threadgroup uint is_last;
  const Memory memory = {numbers, tops, totals, fresh};
  const uint kv = place.x, row = place.z;
  const uint4 step = steps[row];
  const Columns columns = columns_of({attended, blocks, t % 32}, row, kv, grid.x, COLUMNS);
  if (step.w == 0) {
    for (uint i = t; place.y == 0 && i / 32 * 32 < columns.padded; i += 256) columns.store(i, 0);
    return;
  }
  const Share share = share_of(step.y, params.window, place.y, grid.y);
  if (place.y >= share.count) return;
  const uint from = row * params.stride, head = from + kv * head_size;
  const Token token = {step.y,
                       from + kv * COLUMNS,
                       head + params.k_offset,
                       head + params.v_offset,
                       params.scale * M_LOG2E_F,  // exponents are of 2
                       place.y == share.count - 1};
  const Cache cache = {{pages + step.z * params.page_stride, kv, grid.x}, keys, values};
  if (fused == 1) {
    const Heads heads = {projected, query_norm, key_norm, rope, params.rope_dims, params.epsilon};
    rotate_token(heads, token, cache, memory, t);
  } else {
    for (uint i = t; i < COLUMNS; i += 256)
      ((threadgroup float*)numbers)[i] = projected[token.queries + i] * token.factor;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  Seen seen;
  attend_share(seen, cache, share, step.y, memory, t);
  merge_slots(seen, share.end - share.begin, memory, t);
  if (share.count > 1) {
    const uint pair = row * grid.x + kv;
    const Partials shares = {partials + pair * grid.y * (COLUMNS + 2 * group)};
    leave_share(shares, place.y, memory, t);
    fence_device();
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    if (t == 0) is_last = atomic_fetch_add_explicit(&counters[pair], 1, memory_order_relaxed) == share.count - 1;
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    fence_device();
    if (is_last == 0) return;
    if (t == 0) atomic_store_explicit(&counters[pair], 0, memory_order_relaxed);
    merge_shares(shares, share.count, memory, t);  // the numbers that this thread stores
  }
  for (uint i = t; i / 32 * 32 < columns.padded; i += 256) {
    columns.store(i, i < COLUMNS ? numbers[i / 4][i % 4] / totals[i / head_size].y : 0);
  }
}
