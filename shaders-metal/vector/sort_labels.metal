// order[offsets[m, k, b]++] = row, in ascending order of the rows of block b that have label k in subspace m.
// One threadgroup sorts one block of one subspace, 256 points at a time.
#include "contracts/sort_labels.h"

#include "common/index.h"

struct Earlier {
  uint count;  // points of the tile before this one that have its label
  uint first;  // the first of them, or else this one
};

inline Earlier find_earlier(threadgroup const uint4* tile, uint t, uint label) {
  Earlier earlier = {0, t};
  for (uint i = t / 4 + 1; i-- > 0;) {
    const uint4 point = 4 * i + uint4(0, 1, 2, 3);
    const auto same = tile[i] == label && point < t;
    for (uint j = 4; j-- > 0;) {
      if (!same[j]) continue;
      earlier.count++;
      earlier.first = point[j];
    }
  }
  return earlier;
}

[[max_total_threads_per_threadgroup(256)]] kernel void sort_labels(device const uint* labels [[buffer(0)]],
                                                                   device atomic_uint* offsets [[buffer(1)]],
                                                                   device uint* order [[buffer(2)]],
                                                                   constant Params& params [[buffer(3)]],
                                                                   uint2 group [[threadgroup_position_in_grid]],
                                                                   uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint4 tile[64];           // the labels of 256 points
  threadgroup atomic_uint counts[256];  // at the first point of a label: how many of the tile have that label
  threadgroup uint begins[256];         // at the first point of a label: where they go
  const uint last = min((group.x + 1) * params.block, params.rows);
  for (uint base = group.x * params.block; base < last; base += 256) {
    const bool live = base + t < last;
    const uint label = live ? labels[group.y * params.rows + base + t] : NONE;
    ((threadgroup uint*)tile)[t] = label;  // a vector's element would be written with its neighbours
    atomic_store_explicit(&counts[t], 0, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const Earlier earlier = find_earlier(tile, t, label);
    atomic_fetch_add_explicit(&counts[earlier.first], 1, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (live && earlier.first == t) {
      const uint cursor = (group.y * params.clusters + label) * params.blocks + group.x;
      const uint count = atomic_load_explicit(&counts[t], memory_order_relaxed);
      begins[t] = atomic_fetch_add_explicit(&offsets[cursor], count, memory_order_relaxed);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (live) order[begins[earlier.first] + earlier.count] = base + t;
  }
}
