// minima[q][t] = smallest distance of query q to the 128 stored rows of tile t: squared L2 or minus the inner product.
// One threadgroup: one tile of stored rows against 128 queries.
#include "contracts/tile_minima.h"

#include "common/distance_tile.h"

[[max_total_threads_per_threadgroup(256)]] kernel void tile_minima(device const float4* queries [[buffer(0)]],
                                                                   device const float4* storage [[buffer(1)]],
                                                                   device float* minima [[buffer(2)]],
                                                                   constant Params& params [[buffer(3)]],
                                                                   uint2 group [[threadgroup_position_in_grid]],
                                                                   uint2 groups [[threadgroups_per_grid]],
                                                                   uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  // Threadgroups that follow each other share a tile of stored rows, so that memory delivers it once.
  const uint linear = group.x + groups.x * group.y, tile_index = linear / groups.y, query_tile = linear % groups.y;
  const uint pitch = params.chunks * TILE;
  Tile tile(memory, t, metric == 0);
  sum_tile(tile, queries + query_tile * pitch, storage + tile_index * pitch, params.chunks, params.chunks);

  // A query's 16 candidates meet in threadgroup memory.
  threadgroup float* words = (threadgroup float*)memory;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  UNROLL for (uint r = 0; r < 8; r++) {
    float smallest = INFINITY;
    UNROLL for (uint h = 0; h < 2; h++) {
      UNROLL for (uint i = 0; i < 4; i++) {
        const float sum = tile.sums[r][h][i];
        if (tile_index * TILE + tile.column_of(r, h, i) < params.rows) {
          smallest = min(smallest, metric == 0 ? sum : -sum);
        }
      }
    }
    words[tile.row_of(r) * 16 + tile.slot_of(r)] = smallest;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint query = query_tile * TILE + t;
  if (t >= TILE || query >= params.query_count) return;
  float4 smallest = memory[t * 4];
  for (uint i = 1; i < 4; i++) smallest = min(smallest, memory[t * 4 + i]);
  minima[query * params.stride + params.first_tile + tile_index] =
      min(min(smallest.x, smallest.y), min(smallest.z, smallest.w));
}
