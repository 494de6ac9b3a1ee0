// distances[q][r] = |q - x_r|^2, or minus the inner product.
// One threadgroup: 128 queries against 128 stored rows.
#include "contracts/pairwise_distances.h"

#include "common/distance_tile.h"

[[max_total_threads_per_threadgroup(256)]] kernel void pairwise_distances(device const float4* queries [[buffer(0)]],
                                                                          device const float4* storage [[buffer(1)]],
                                                                          device float* distances [[buffer(2)]],
                                                                          constant Params& params [[buffer(3)]],
                                                                          uint2 group [[threadgroup_position_in_grid]],
                                                                          uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  Tile tile(memory, t, metric == 0);
  const uint first_query = group.y * TILE, first_row = group.x * TILE, pitch = params.chunks * TILE;
  sum_tile(tile, queries + group.y * pitch, storage + group.x * pitch, params.chunks, params.chunks);
  UNROLL for (uint r = 0; r < 8; r++) {
    UNROLL for (uint h = 0; h < 2; h++) {
      UNROLL for (uint i = 0; i < 4; i++) {
        const uint query = first_query + tile.row_of(r), row = first_row + tile.column_of(r, h, i);
        const float sum = tile.sums[r][h][i];
        if (query < params.query_count && row < params.rows)
          distances[query * params.stride + row] = metric == 0 ? sum : -sum;
      }
    }
  }
}
