// storage[slots[row] - first_slot, c] = packed[row, c] for the slots inside this segment.
// One thread moves one chunk.
#include "contracts/scatter_rows.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void scatter_rows(device const uint4* packed [[buffer(0)]],
                                                                    device const uint* slots [[buffer(1)]],
                                                                    device uint4* storage [[buffer(2)]],
                                                                    constant Params& params [[buffer(3)]],
                                                                    uint3 position [[thread_position_in_grid]],
                                                                    uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), rows = params.rows, chunks = params.chunks;
  if (i >= rows * chunks) return;
  const uint row = i % rows, chunk = i / rows;
  const uint slot = slots[row] - params.first_slot;
  if (slot < params.slot_count) storage[packed_index(slot, chunks, chunk)] = packed[packed_index(row, chunks, chunk)];
}
