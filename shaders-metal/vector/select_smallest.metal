// The k smallest values of each row, ascending by (value, index): NONE and +Inf where there are fewer.
// One threadgroup handles one row: bounds the k-th key, gathers what is not above the bound, sorts that.
#include "contracts/select_smallest.h"

#include "common/atomics.h"
#include "common/radix_select.h"

// Smallest key of i, i + 256 .. i + 1792.
inline uint batch_minimum(thread const Selection& row, uint i) {
  uint smallest = NONE;
  UNROLL for (uint j = 0; j < 8; j++) smallest = min(smallest, row.key_at(i + j * 256));
  return smallest;
}

// The want-th smallest of the minima of `lanes` disjoint parts of the row is not below its want-th smallest key.
// For few, a quarter of a long row is enough, so that most of it is read only once, by gather.
inline uint bound_key(thread const Selection& row, threadgroup uint& bound, uint want) {
  const uint t = row.t, lanes = want <= 32 ? 64 : 256;
  const uint step = row.length > 8192 && want <= 32 ? 8192 : 2048;
  threadgroup uint* minima = row.memory->words;
  uint own = NONE;
  for (uint i = t; i < row.length; i += step) own = min(own, batch_minimum(row, i));
  minima[t] = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t < lanes) {
    for (uint i = t + lanes; i < 256; i += lanes) own = min(own, minima[i]);
    minima[t] = own;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  uint rank = t < lanes ? 0 : NONE;
  for (uint i = 0; t < lanes && i < lanes; i++) {
    const uint other = minima[i];
    rank += other < own || (other == own && i < t) ? 1 : 0;
  }
  if (rank == want - 1) bound = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return bound;
}

// Collects what is selected, in any order; returns how many there are, which may be more than fit.
inline uint gather(thread const Selection& row, threadgroup uint& gathered) {
  threadgroup Pairs& pairs = row.memory->pairs;
  if (row.t == 0) gathered = 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint base = row.t; base < row.length; base += 2048) {
    uint found = 0;
    UNROLL for (uint j = 0; j < 8; j++) {
      if ((row.key_at(base + j * 256) & row.key_mask) <= row.key_prefix) found |= 1u << j;
    }
    for (; found != 0; found &= found - 1) {
      const uint i = base + ctz(found) * 256;
      const uint key = row.key_at(i);
      if (i >= row.length || !row.has(key, i)) continue;
      const uint place = atomic_add(gathered, 1);
      if (place >= CAPACITY) continue;
      pairs.keys[place] = key;
      pairs.ids[place] = i;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return gathered;
}

struct Results {
  device uint* indices;
  device float* best;
  uint k;

  void put(uint place, uint key, uint id) const thread {
    indices[place] = id;
    best[place] = as_type<float>(key ^ ((key & 0x80000000) != 0 ? 0x80000000 : NONE));
  }
};

// Writes the `want` smallest of the gathered pairs in order, and fills the row up.
inline void write_row(thread const Results& results, threadgroup Pairs& pairs, uint want, uint count, uint t) {
  if (count <= 512) {
    for (uint p = t; p < count; p += 256) {
      const uint rank = rank_of(pairs, p, count);
      if (rank < want) results.put(rank, pairs.keys[p], pairs.ids[p]);
    }
  } else {
    sort_pairs(pairs, count, t);
    for (uint p = t; p < want; p += 256) results.put(p, pairs.keys[p], pairs.ids[p]);
  }
  for (uint p = want + t; p < results.k; p += 256) {
    results.indices[p] = NONE;
    results.best[p] = INFINITY;
  }
}

[[max_total_threads_per_threadgroup(256)]] kernel void select_smallest(
    device const float* values [[buffer(0)]], device const uint* lengths [[buffer(1)]],
    device uint* indices [[buffer(2)]], device float* best [[buffer(3)]], constant Params& params [[buffer(4)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup SelectionMemory memory;
  threadgroup uint bound;
  threadgroup uint gathered;
  const uint number = linear_index(group, groups);
  if (number >= params.rows) return;
  Selection row = {values + number * params.stride, lengths[number], t, &memory, 0, 0, 0, 0};
  const uint want = min(params.k, row.length);
  bool by_radix = want > 128 && row.length > CAPACITY;
  if (want <= 128 && row.length > 256) {
    row.key_mask = NONE;
    row.key_prefix = bound_key(row, bound, want);
  }
  uint count = CAPACITY + 1;
  for (uint attempt = 0; attempt < 2 && count > CAPACITY; attempt++) {
    if (by_radix) select_by_radix(row, want);
    count = gather(row, gathered);
    by_radix = true;
  }
  const Results results = {indices + number * params.k, best + number * params.k, params.k};
  write_row(results, memory.pairs, want, count, t);
}
