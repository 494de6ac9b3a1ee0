// Copies and fills between the dispatches of a run: the backend's own kernels, so that a command buffer is one compute
// encoder. A threadgroup of 256 threads does 4096 items, each thread 16 of them.
#include <metal_stdlib>
using namespace metal;

template <typename Item>
static inline void copy_items(device const Item* from, device Item* to, ulong count, ulong first) {
  for (ulong i = first; i < min(first + 4096, count); i += 256) to[i] = from[i];
}

[[max_total_threads_per_threadgroup(256)]] kernel void copy_words(device const uint* from [[buffer(0)]],
                                                                  device uint* to [[buffer(1)]],
                                                                  constant ulong& count [[buffer(2)]],
                                                                  uint group [[threadgroup_position_in_grid]],
                                                                  uint t [[thread_index_in_threadgroup]]) {
  copy_items(from, to, count, ulong(group) * 4096 + t);
}

[[max_total_threads_per_threadgroup(256)]] kernel void copy_bytes(device const uchar* from [[buffer(0)]],
                                                                  device uchar* to [[buffer(1)]],
                                                                  constant ulong& count [[buffer(2)]],
                                                                  uint group [[threadgroup_position_in_grid]],
                                                                  uint t [[thread_index_in_threadgroup]]) {
  copy_items(from, to, count, ulong(group) * 4096 + t);
}

struct Fill {
  ulong count;
  uint value;
};

[[max_total_threads_per_threadgroup(256)]] kernel void fill_words(device uint* to [[buffer(0)]],
                                                                  constant Fill& fill [[buffer(1)]],
                                                                  uint group [[threadgroup_position_in_grid]],
                                                                  uint t [[thread_index_in_threadgroup]]) {
  const ulong first = ulong(group) * 4096 + t;
  for (ulong i = first; i < min(first + 4096, fill.count); i += 256) to[i] = fill.value;
}
