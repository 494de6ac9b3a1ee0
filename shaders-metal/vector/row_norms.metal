// norms[m, row] = |row|^2 over the chunks of subspace m.
// One thread handles one row of one subspace.
#include "contracts/row_norms.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void row_norms(device const float4* packed [[buffer(0)]],
                                                                 device float* norms [[buffer(1)]],
                                                                 constant Params& params [[buffer(2)]],
                                                                 uint2 position [[thread_position_in_grid]]) {
  const uint row = position.x, m = position.y;
  if (row >= params.rows) return;
  const uint first = packed_index(row, params.chunks, m * params.subspace_chunks);
  float sum = 0;
  for (uint c = 0; c < params.subspace_chunks; c++) {
    const float4 value = packed[first + c * 32];
    sum += dot(value, value);
  }
  norms[m * params.rows + row] = sum;
}
