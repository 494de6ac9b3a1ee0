// offsets[q, p] = rows in the probed lists before p; lengths[q] = rows in all of them.
// One threadgroup scans the probes of one query, a run of neighbouring probes a thread.
#include "contracts/probe_offsets.h"

#include "common/index.h"
#include "common/scan.h"

inline uint rows_of(device const uint* list_rows, uint list) { return list == NONE ? 0 : list_rows[list]; }

[[max_total_threads_per_threadgroup(256)]] kernel void probe_offsets(
    device const uint* probes [[buffer(0)]], device const uint* list_rows [[buffer(1)]],
    device uint* offsets [[buffer(2)]], device uint* lengths [[buffer(3)]], constant Params& params [[buffer(4)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint words[8];
  const uint query = linear_index(group, groups), probe_count = params.probe_count;
  if (query >= params.query_count) return;
  const uint run = (probe_count + 255) / 256;
  const uint first = query * probe_count + min(t * run, probe_count);
  const uint last = min(first + run, (query + 1) * probe_count);
  uint own = 0;
  for (uint i = first; i < last; i++) own += rows_of(list_rows, probes[i]);
  const uint inclusive = threadgroup_inclusive_scan(own, t, words);
  uint running = inclusive - own;
  for (uint i = first; i < last; i++) {
    offsets[i] = running;
    running += rows_of(list_rows, probes[i]);
  }
  if (t == 255) lengths[query] = inclusive;
}
