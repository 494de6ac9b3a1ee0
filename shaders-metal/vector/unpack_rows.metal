// rows_out[row, d] = dimension d of a packed row.
// One thread moves one word.
#include "contracts/unpack_rows.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void unpack_rows(device const uint* packed [[buffer(0)]],
                                                                   device uint* rows_out [[buffer(1)]],
                                                                   constant Params& params [[buffer(2)]],
                                                                   uint3 position [[thread_position_in_grid]],
                                                                   uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i >= params.rows * params.dimensions) return;
  const uint row = i / params.dimensions, dimension = i % params.dimensions;
  const uint within = dimension % params.subdimensions;
  const uint chunk = dimension / params.subdimensions * ((params.subdimensions + 3) / 4) + within / 4;
  rows_out[i] = packed[packed_index(row, params.chunks, chunk) * 4 + within % 4];
}
