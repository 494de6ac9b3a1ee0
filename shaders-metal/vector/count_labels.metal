// counts[m, k, b] += number of points of block b that have label k in subspace m.
// One threadgroup counts one block of one subspace, in threadgroup memory where the clusters fit.
#include "contracts/count_labels.h"

constexpr constant uint BINS = 4096;

[[max_total_threads_per_threadgroup(256)]] kernel void count_labels(device const uint* labels [[buffer(0)]],
                                                                    device atomic_uint* counts [[buffer(1)]],
                                                                    constant Params& params [[buffer(2)]],
                                                                    uint2 group [[threadgroup_position_in_grid]],
                                                                    uint t [[thread_index_in_threadgroup]]) {
  threadgroup atomic_uint bins[BINS];
  const uint clusters = params.clusters, blocks = params.blocks;
  const uint first = group.x * params.block, last = min(first + params.block, params.rows);
  const uint from = group.y * params.rows, to = group.y * clusters * blocks + group.x;
  if (clusters > BINS) {
    for (uint i = first + t; i < last; i += 256) {
      atomic_fetch_add_explicit(&counts[to + labels[from + i] * blocks], 1, memory_order_relaxed);
    }
    return;
  }
  for (uint k = t; k < clusters; k += 256) atomic_store_explicit(&bins[k], 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = first + t; i < last; i += 256) {
    atomic_fetch_add_explicit(&bins[labels[from + i]], 1, memory_order_relaxed);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint k = t; k < clusters; k += 256) {
    const uint count = atomic_load_explicit(&bins[k], memory_order_relaxed);
    if (count > 0) atomic_fetch_add_explicit(&counts[to + k * blocks], count, memory_order_relaxed);
  }
}
