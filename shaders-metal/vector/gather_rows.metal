// gathered[k, c] = packed[ids[m, k], c] with m the subspace of chunk c; padding rows are zero.
// One thread moves one chunk.
#include "contracts/gather_rows.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void gather_rows(device const uint4* packed [[buffer(0)]],
                                                                   device const uint* ids [[buffer(1)]],
                                                                   device uint4* gathered [[buffer(2)]],
                                                                   constant Params& params [[buffer(3)]],
                                                                   uint3 position [[thread_position_in_grid]],
                                                                   uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), rows = params.rows, chunks = params.chunks;
  if (i >= params.padded_rows * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32;
  const uint chunk = i / 32 % chunks;
  uint4 value = uint4(0);
  if (row < rows) value = packed[packed_index(ids[chunk / params.subspace_chunks * rows + row], chunks, chunk)];
  gathered[i] = value;
}
