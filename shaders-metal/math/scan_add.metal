// data[i] += totals[i / 2048]: adds the scanned block totals back.
// One thread adds to one value.
#include "contracts/scan_add.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void scan_add(device uint* data [[buffer(0)]],
                                                                device const uint* totals [[buffer(1)]],
                                                                constant Params& params [[buffer(2)]],
                                                                uint3 position [[thread_position_in_grid]],
                                                                uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i < params.count) data[i] += totals[i / 2048];
}
