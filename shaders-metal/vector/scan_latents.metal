// distances[q, offset + i] = |q - scale code|^2 (metric 0) or -scale q.code (metric 1) for row i of a probed list.
// One threadgroup: every splits-th run of 256 rows of one list for one query; a thread streams one row of codes.
#include "contracts/scan_latents.h"

#include "common/distance.h"
#include "common/index.h"
#include "common/unroll.h"

inline float row_distance(device const float4* query, device const uint4* row, uint words) {
  const float scale = as_type<float>(row[words / 4 * 32][words % 4]);
  const float unit = metric == 0 ? scale : 1;
  float sum = 0;
  for (uint c = 0; c * 4 < words; c++) {
    const uint4 codes = row[c * 32];
    UNROLL for (uint i = 0; i < 4; i++) {
      const float4 code = float4(as_type<char4>(codes[i]));
      if (c * 4 + i < words) sum = add_distance(sum, query[(c * 4 + i) * 32], code * unit);
    }
  }
  return metric == 0 ? sum : sum * scale;
}

[[max_total_threads_per_threadgroup(256)]] kernel void scan_latents(
    device const float4* queries [[buffer(0)]], device const uint* probes [[buffer(1)]],
    device const uint* offsets [[buffer(2)]], device const uint* list_begin [[buffer(3)]],
    device const uint* groups [[buffer(4)]], device const uint* list_rows [[buffer(5)]],
    device const uint4* storage [[buffer(6)]], device float* distances [[buffer(7)]],
    constant Params& params [[buffer(8)]], uint3 position [[threadgroup_position_in_grid]],
    uint3 grid [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  const uint probe = position.y * params.probe_count + position.x, list = probes[probe];
  if (list == NONE) return;
  const uint rows = list_rows[list], first_page = list_begin[list];
  device const float4* query = queries + packed_index(position.y, params.words, 0);
  device float* results = distances + position.y * params.stride + offsets[probe];
  for (uint i = position.z * 256 + t; i < rows; i += grid.z * 256) {
    const uint group = groups[first_page + i / 32] - params.first_group;
    if (group >= params.group_count) continue;
    results[i] = row_distance(query, storage + packed_index(group * 32 + i % 32, params.chunks, 0), params.words);
  }
}
