// list = sink positions, the `heavy` candidates of the greatest scores, window positions: all ascending.
// One threadgroup makes one head's list of the candidates that scan_key_codes left for each part of the keys.
#include "contracts/merge_heavy.h"

#include "common/index.h"
#include "common/top_keys.h"

constexpr constant uint CAPACITY = 2048;

struct Candidates {
  device const uint* scores;
  threadgroup uint* cached;
  bool is_cached;

  uint operator[](uint i) const thread { return is_cached ? cached[i] : scores[i]; }
};

[[max_total_threads_per_threadgroup(256)]] kernel void merge_heavy(
    device const uint* scores [[buffer(0)]], device const uint* positions [[buffer(1)]],
    device const uint* state [[buffer(2)]], device uint* list [[buffer(3)]], constant Params& params [[buffer(4)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint cached[CAPACITY];
  threadgroup TopMemory memory;
  const uint head = linear_index(group, groups), sink = params.sink, window = params.window, heavy = params.heavy;
  device uint* own_list = list + head * (sink + heavy + window);
  const uint first_candidate = head * params.stride, total = state[0], eligible = total - sink - window;
  const uint count = eligible / params.part * min(heavy, params.part) + min(heavy, eligible % params.part);
  const Candidates candidates = {scores + first_candidate, cached, count <= CAPACITY};
  if (candidates.is_cached)
    for (uint i = t; i < count; i += 256) cached[i] = scores[first_candidate + i];
  for (uint i = t; i < sink; i += 256) own_list[i] = i;
  for (uint i = t; i < window; i += 256) own_list[sink + heavy + i] = total - window + i;
  TopKeys<Candidates> top = {candidates, count, t, &memory};
  top.bound(heavy);
  TopRun run = top.run(sink);
  for (uint i = run.begin + t % 32; i - t % 32 < run.end; i += 32) {
    uint place;
    if (top.take(run, i, place)) own_list[place] = positions[first_candidate + i];
  }
}
