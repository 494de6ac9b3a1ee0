// residuals[row] = points[row] - centroids[labels[row]]; padding rows are zero.
// One thread handles one chunk.
#include "contracts/residuals.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void residuals(device const float4* points [[buffer(0)]],
                                                                 device const float4* centroids [[buffer(1)]],
                                                                 device const uint* labels [[buffer(2)]],
                                                                 device float4* residuals [[buffer(3)]],
                                                                 constant Params& params [[buffer(4)]],
                                                                 uint3 position [[thread_position_in_grid]],
                                                                 uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), rows = params.rows, chunks = params.chunks;
  if (i >= (rows + 31) / 32 * 32 * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32;
  float4 value = float4(0);
  if (row < rows) value = points[i] - centroids[packed_index(labels[row], chunks, i / 32 % chunks)];
  residuals[i] = value;
}
