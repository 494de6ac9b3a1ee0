// limits[p] = greatest norms[p, row]; dimension `subdimensions` of each sub-vector = sqrt(limit - norm), so that all
// are of one length and nearest means greatest inner product (Bachrach et al., RecSys 2014). A threadgroup does one p.
#include "contracts/augment_rows.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void augment_rows(
    device float* packed [[buffer(0)]], device const float* norms [[buffer(1)]], device float* limits [[buffer(2)]],
    constant Params& params [[buffer(3)]], uint3 group [[threadgroup_position_in_grid]],
    uint3 groups [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float greatest[8];
  const uint p = linear_index(group, groups);
  if (p >= params.chunks / params.subspace_chunks) return;
  device const float* own_norms = norms + p * params.rows;
  float own = 0;
  for (uint row = t; row < params.rows; row += 256) own = max(own, own_norms[row]);
  own = simd_max(own);
  if (t % 32 == 0) greatest[t / 32] = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const float limit = simd_max(greatest[t % 8]);
  if (t == 0) limits[p] = limit;
  const uint chunk = p * params.subspace_chunks + params.subdimensions / 4;
  for (uint row = t; row < params.rows; row += 256) {
    const uint place = packed_index(row, params.chunks, chunk) * 4 + params.subdimensions % 4;
    packed[place] = sqrt(max(limit - own_norms[row], 0.0f));
  }
}
