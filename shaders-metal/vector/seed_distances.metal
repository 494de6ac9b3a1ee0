// nearest[m, row] = min(nearest, |point - newest centroid|^2); sums[m, b] = sum of nearest over block b of 1024 rows.
// One threadgroup handles one block of one subspace, 4 rows a thread.
#include "contracts/seed_distances.h"

#include "common/index.h"
#include "common/sum.h"
#include "common/unroll.h"

[[max_total_threads_per_threadgroup(256)]] kernel void seed_distances(
    device const float4* points [[buffer(0)]], device const float4* centroids [[buffer(1)]],
    device const uint* steps [[buffer(2)]], device float* nearest [[buffer(3)]], device float* sums [[buffer(4)]],
    constant Params& params [[buffer(5)]], uint2 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float parts[8];
  const uint m = group.y, newest = steps[m] - 1, first_row = group.x * 1024 + t;
  const uint first_chunk = m * params.subspace_chunks;
  const uint center = packed_index(newest, params.chunks, first_chunk);
  uint element[4];
  for (uint j = 0; j < 4; j++) {
    element[j] = packed_index(min(first_row + j * 256, params.rows - 1), params.chunks, first_chunk);
  }
  float distances[4] = {0, 0, 0, 0};
  for (uint c = 0; c < params.subspace_chunks; c++) {
    UNROLL for (uint j = 0; j < 4; j++) {
      const float4 difference = points[element[j] + c * 32] - centroids[center + c * 32];
      distances[j] += dot(difference, difference);
    }
  }
  float own = 0;
  UNROLL for (uint j = 0; j < 4; j++) {
    const uint row = first_row + j * 256, i = m * params.rows + row;
    if (row >= params.rows) break;
    const float value = newest == 0 ? distances[j] : min(nearest[i], distances[j]);
    nearest[i] = value;
    own += value;
  }
  const float total = threadgroup_sum<256>(own, t, parts);
  if (t == 0) sums[m * params.blocks + group.x] = total;
}
