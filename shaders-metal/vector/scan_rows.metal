// distances[q, offset + i] = |q - x|^2 (metric 0) or -q.x (metric 1) for row i of a probed list.
// One threadgroup: every splits-th run of 256 rows of one list for one query; a thread streams one row.
#include "contracts/scan_rows.h"

#include "common/distance.h"
#include "common/index.h"
#include "common/unroll.h"

inline float row_distance(device const float4* query, device const float4* row, uint chunks) {
  float sum = 0;
  uint c = 0;
  // Four loads of the row are in flight.
  for (; c + 4 <= chunks; c += 4) {
    float4 x[4];
    UNROLL for (uint j = 0; j < 4; j++) x[j] = row[(c + j) * 32];
    UNROLL for (uint j = 0; j < 4; j++) sum = add_distance(sum, query[(c + j) * 32], x[j]);
  }
  for (; c < chunks; c++) sum = add_distance(sum, query[c * 32], row[c * 32]);
  return sum;
}

[[max_total_threads_per_threadgroup(256)]] kernel void scan_rows(
    device const float4* queries [[buffer(0)]], device const uint* probes [[buffer(1)]],
    device const uint* offsets [[buffer(2)]], device const uint* list_begin [[buffer(3)]],
    device const uint* groups [[buffer(4)]], device const uint* list_rows [[buffer(5)]],
    device const float4* storage [[buffer(6)]], device float* distances [[buffer(7)]],
    constant Params& params [[buffer(8)]], uint3 position [[threadgroup_position_in_grid]],
    uint3 grid [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  const uint probe = position.y * params.probe_count + position.x, list = probes[probe];
  if (list == NONE) return;
  const uint rows = list_rows[list], first_page = list_begin[list];
  device const float4* query = queries + packed_index(position.y, params.chunks, 0);
  device float* results = distances + position.y * params.stride + offsets[probe];
  for (uint i = position.z * 256 + t; i < rows; i += grid.z * 256) {
    const uint group = groups[first_page + i / 32] - params.first_group;
    if (group >= params.group_count) continue;
    results[i] = row_distance(query, storage + packed_index(group * 32 + i % 32, params.chunks, 0), params.chunks);
  }
}
