// slots[q, i] = storage slot of candidate number indices[q, i] of the probed lists of query q; NONE stays NONE.
// One thread finds one slot: the last probe whose offset is not above the candidate holds it.
#include "contracts/candidate_slots.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void candidate_slots(
    device const uint* indices [[buffer(0)]], device const uint* probes [[buffer(1)]],
    device const uint* offsets [[buffer(2)]], device const uint* list_begin [[buffer(3)]],
    device const uint* groups [[buffer(4)]], device uint* slots [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint3 position [[thread_position_in_grid]], uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid);
  if (i >= params.query_count * params.k) return;
  const uint candidate = indices[i];
  const uint first = i / params.k * params.probe_count;
  uint slot = NONE;
  if (candidate != NONE) {
    uint low = 0, high = params.probe_count;
    while (high - low > 1) {
      const uint middle = (low + high) / 2;
      if (offsets[first + middle] <= candidate)
        low = middle;
      else
        high = middle;
    }
    const uint within = candidate - offsets[first + low];
    slot = groups[list_begin[probes[first + low]] + within / 32] * 32 + within % 32;
  }
  slots[i] = slot;
}
