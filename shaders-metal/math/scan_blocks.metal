// data[i] = sum of the data before i in its block of 2048; totals[b] = sum of block b.
// One threadgroup scans one block, 8 neighbouring values a thread.
#include "contracts/scan_blocks.h"

#include "common/index.h"
#include "common/scan.h"
#include "common/unroll.h"

[[max_total_threads_per_threadgroup(256)]] kernel void scan_blocks(device uint* data [[buffer(0)]],
                                                                   device uint* totals [[buffer(1)]],
                                                                   constant Params& params [[buffer(2)]],
                                                                   uint3 group [[threadgroup_position_in_grid]],
                                                                   uint3 groups [[threadgroups_per_grid]],
                                                                   uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint words[8];
  const uint block = linear_index(group, groups);
  if (block >= (params.count + 2047) / 2048) return;
  const uint first = block * 2048 + t * 8;
  uint values[8];
  uint own = 0;
  UNROLL for (uint j = 0; j < 8; j++) {
    values[j] = first + j < params.count ? data[first + j] : 0;
    own += values[j];
  }
  const uint inclusive = threadgroup_inclusive_scan(own, t, words);
  uint running = inclusive - own;
  UNROLL for (uint j = 0; j < 8; j++) {
    if (first + j < params.count) data[first + j] = running;
    running += values[j];
  }
  if (t == 255) totals[block] = inclusive;
}
