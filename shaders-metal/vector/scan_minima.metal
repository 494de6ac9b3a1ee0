// minima[q, tile] = smallest |q - x|^2 (metric 0) or -q.x (metric 1) over the live rows of a tile of 128.
// One threadgroup: one tile and up to 8 queries; a thread streams one row, the queries are the same for all threads.
#include "contracts/scan_minima.h"

#include "common/distance.h"
#include "common/index.h"
#include "common/unroll.h"

// For up to `count` queries; `ahead` chunks at a time keep as many loads of the row in flight.
template <uint count, uint ahead>
inline void scan_row(thread float* sums, device const float4* queries, device const float4* row, uint chunks) {
  uint c = 0;
  for (; c + ahead <= chunks; c += ahead) {
    float4 x[ahead];
    UNROLL for (uint j = 0; j < ahead; j++) x[j] = row[(c + j) * 32];
    UNROLL for (uint j = 0; j < ahead; j++) {
      UNROLL for (uint q = 0; q < count; q++) sums[q] = add_distance(sums[q], queries[(c + j) * 32 + q], x[j]);
    }
  }
  for (; c < chunks; c++) {
    const float4 x = row[c * 32];
    UNROLL for (uint q = 0; q < count; q++) sums[q] = add_distance(sums[q], queries[c * 32 + q], x);
  }
}

[[max_total_threads_per_threadgroup(128)]] kernel void scan_minima(device const float4* queries [[buffer(0)]],
                                                                   device const float4* storage [[buffer(1)]],
                                                                   device float* minima [[buffer(2)]],
                                                                   constant Params& params [[buffer(3)]],
                                                                   uint2 group [[threadgroup_position_in_grid]],
                                                                   uint t [[thread_index_in_threadgroup]]) {
  threadgroup float simdgroup_minima[8][4];
  const uint row = group.x * 128 + t, first_query = group.y * 8, count = min(params.query_count - first_query, 8u);
  device const float4* query = queries + packed_index(first_query, params.chunks, 0);
  device const float4* stored = storage + packed_index(row, params.chunks, 0);
  float sums[8] = {};
  if (count > 4)
    scan_row<8, 1>(sums, query, stored, params.chunks);
  else if (count > 2)
    scan_row<4, 2>(sums, query, stored, params.chunks);
  else if (count == 2)
    scan_row<2, 4>(sums, query, stored, params.chunks);
  else
    scan_row<1, 4>(sums, query, stored, params.chunks);

  UNROLL for (uint q = 0; q < 8; q++) {
    const float smallest = simd_min(row < params.rows ? sums[q] : INFINITY);
    if (t % 32 == 0) simdgroup_minima[q][t / 32] = smallest;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t >= count) return;
  float smallest = INFINITY;
  for (uint s = 0; s < 4; s++) smallest = min(smallest, simdgroup_minima[t][s]);
  minima[(first_query + t) * params.stride + params.first_tile + group.x] = smallest;
}
