// Sorting of up to CAPACITY (key, id) pairs in threadgroup memory by a threadgroup of 256.
#include "common/index.h"

constexpr constant uint CAPACITY = 2048;

struct Pairs {
  uint keys[CAPACITY];
  uint ids[CAPACITY];
};

// The place of pair p among the first `count` pairs: for a few pairs, quicker than sorting.
inline uint rank_of(threadgroup const Pairs& pairs, uint p, uint count) {
  const uint key = pairs.keys[p], id = pairs.ids[p];
  uint rank = 0;
  for (uint i = 0; i < count; i++) {
    const uint other = pairs.keys[i];
    rank += other < key || (other == key && pairs.ids[i] < id) ? 1 : 0;
  }
  return rank;
}

// Puts pairs a and b in ascending order, or in descending order.
inline void order_pair(threadgroup Pairs& pairs, uint a, uint b, bool ascending) {
  const uint key_a = pairs.keys[a], id_a = pairs.ids[a], key_b = pairs.keys[b], id_b = pairs.ids[b];
  if ((key_a < key_b || (key_a == key_b && id_a <= id_b)) == ascending) return;
  pairs.keys[a] = key_b;
  pairs.ids[a] = id_b;
  pairs.keys[b] = key_a;
  pairs.ids[b] = id_a;
}

// Bitonic sort of the first `count` pairs by (key, id). At distances up to 32 a SIMD-group keeps to its own 64 pairs.
inline void sort_pairs(threadgroup Pairs& pairs, uint count, uint t) {
  const uint size = 1u << (32 - clz(max(count, 1u) - 1));
  for (uint i = count + t; i < size; i += 256) {
    pairs.keys[i] = NONE;
    pairs.ids[i] = NONE;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint run = 2; run <= size; run *= 2) {
    for (uint distance = run / 2; distance > 0; distance /= 2) {
      for (uint i = t; i < size / 2; i += 256) {
        const uint a = 2 * i - (i & (distance - 1));
        order_pair(pairs, a, a + distance, (a & run) == 0);
      }
      const uint next = distance > 1 ? distance / 2 : run;
      if (max(distance, next) <= 32)
        simdgroup_barrier(mem_flags::mem_threadgroup);
      else
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
  }
}
