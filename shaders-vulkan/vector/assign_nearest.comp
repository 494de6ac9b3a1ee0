#version 460
// label = arg min over clusters of |c|^2 - 2 p.c (L2) or -p.c (inner product); ties go to the lower cluster.
// One workgroup: 128 points of one subspace against all clusters, 128 at a time, with a running minimum.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint metric = 0;
layout(constant_id = 1) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer points_ { vec4 points[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer centroids_ { vec4 centroids[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer point_norms_ { float point_norms[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer centroid_norms_ { float centroid_norms[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer labels_ { uint labels[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer distances_ { float distances[]; };
layout(push_constant) uniform Params { uint rows, clusters, chunks, subspace_chunks; };

#define FETCH_A(i) points[i]
#define FETCH_B(i) centroids[i]
const bool DIRECT = false;
#include "../common/distance_tile.glsl"

#define INFINITY uintBitsToFloat(0x7F800000)
float best_score[8];
uint best_cluster[8];

void keep_nearest(uint first_cluster, uint norms) {
  [[unroll]] for (uint i = 0; i < 4; i++) [[unroll]] for (uint h = 0; h < 2; h++) {
    const uint cluster = first_cluster + column_of(h, i);
    const bool live = cluster < clusters;
    const float norm = metric == 0 && live ? centroid_norms[norms + cluster] : 0;
    [[unroll]] for (uint r = 0; r < 8; r++) {
      const float product = tile_sums[r][h][i];
      const float score = metric == 0 ? fma(-2.0, product, norm) : -product;
      const bool better = live && score < best_score[r];
      best_score[r] = better ? score : best_score[r];
      best_cluster[r] = better ? cluster : best_cluster[r];
    }
  }
}

void main() {
  const uint first_row = gl_WorkGroupID.x * TILE, subspace = gl_WorkGroupID.y;
  [[unroll]] for (uint r = 0; r < 8; r++) {
    best_score[r] = INFINITY;
    best_cluster[r] = 0;
  }
  for (uint first = 0; first < clusters; first += TILE) {
    sum_tile(first_row / 32, first / 32, chunks, subspace * subspace_chunks, subspace_chunks);
    keep_nearest(first, subspace * clusters);
  }

  // A row's 16 candidates meet in shared memory. Cluster ids are exact as floats below 2^24.
  barrier();
  [[unroll]] for (uint r = 0; r < 8; r++) {
    const uint slot = row_of(r) * 8 + (tile_column() >> 1), half_slot = (tile_column() & 1) * 2;
    tile_memory[slot][half_slot] = best_score[r];
    tile_memory[slot][half_slot + 1] = float(best_cluster[r]);
  }
  barrier();
  const uint row = first_row + tile_thread;
  if (tile_thread >= TILE || row >= rows) return;
  float score = INFINITY, cluster = 0;
  for (uint i = 0; i < 16; i++) {
    const vec4 pair = tile_memory[tile_thread * 8 + (i >> 1)];
    const float s = (i & 1) == 0 ? pair.x : pair.z, c = (i & 1) == 0 ? pair.y : pair.w;
    const bool better = s < score || (s == score && c < cluster);
    score = better ? s : score;
    cluster = better ? c : cluster;
  }
  const uint result = subspace * rows + row;
  labels[result] = uint(cluster);
  distances[result] = metric == 0 ? max(0, point_norms[result] + score) : score;
}
