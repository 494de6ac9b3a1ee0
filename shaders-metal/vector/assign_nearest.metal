// label = arg min over clusters of |c|^2 - 2 p.c (L2) or -p.c (inner product); ties go to the lower cluster.
// One threadgroup: 128 points of one subspace against all clusters, 128 at a time, with a running minimum.
#include "contracts/assign_nearest.h"

#include "common/distance_tile.h"

struct Nearest {
  float score[8];
  uint cluster[8];
};

// range: the first cluster of the tile, and the end of all.
inline void keep_nearest(thread Nearest& nearest, thread const Tile& tile, device const float* norms, uint2 range) {
  UNROLL for (uint n = 0; n < 2; n++) {
    UNROLL for (uint i = 0; i < 8; i++) {
      const uint cluster = range.x + tile.column_of(n, i % 2, i / 2);
      const bool live = cluster < range.y;
      const float norm = metric == 0 && live ? norms[cluster] : 0;
      UNROLL for (uint r = n; r < 8; r += 2) {
        const float product = tile.sums[r][i % 2][i / 2];
        const float score = metric == 0 ? fma(-2.0f, product, norm) : -product;
        const bool better = live && score < nearest.score[r];
        nearest.score[r] = better ? score : nearest.score[r];
        nearest.cluster[r] = better ? cluster : nearest.cluster[r];
      }
    }
  }
}

[[max_total_threads_per_threadgroup(256)]] kernel void assign_nearest(
    device const float4* points [[buffer(0)]], device const float4* centroids [[buffer(1)]],
    device const float* point_norms [[buffer(2)]], device const float* centroid_norms [[buffer(3)]],
    device uint* labels [[buffer(4)]], device float* distances [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint2 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  const uint subspace = group.y, count = params.subspace_chunks, first_chunk = subspace * count;
  const uint pitch = params.chunks * 32;  // of a group of 32 rows
  Tile tile(memory, t, false);
  Nearest nearest;
  UNROLL for (uint r = 0; r < 8; r++) {
    nearest.score[r] = INFINITY;
    nearest.cluster[r] = 0;
  }
  for (uint first = 0; first < params.clusters; first += TILE) {
    sum_tile(tile, points + group.x * 4 * pitch + first_chunk * 32, centroids + first / 32 * pitch + first_chunk * 32,
             params.chunks, count);
    keep_nearest(nearest, tile, centroid_norms + subspace * params.clusters, uint2(first, params.clusters));
  }

  // A row's 16 candidates, scores and clusters, meet in threadgroup memory.
  threadgroup uint2* candidates = (threadgroup uint2*)memory;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  UNROLL for (uint r = 0; r < 8; r++) {
    candidates[tile.row_of(r) * 16 + tile.slot_of(r)] = uint2(as_type<uint>(nearest.score[r]), nearest.cluster[r]);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint row = group.x * TILE + t;
  if (t >= TILE || row >= params.rows) return;
  float score = INFINITY;
  uint cluster = 0;
  for (uint i = 0; i < 16; i++) {
    const uint2 candidate = candidates[t * 16 + i];
    const float s = as_type<float>(candidate.x);
    const bool better = s < score || (s == score && candidate.y < cluster);
    score = better ? s : score;
    cluster = better ? candidate.y : cluster;
  }
  const uint result = subspace * params.rows + row;
  labels[result] = cluster;
  distances[result] = metric == 0 ? max(0.0f, point_norms[result] + score) : score;
}
