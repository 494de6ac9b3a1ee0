// Radix selection over the keys of a row of floats, one threadgroup of 256; ties go to lower indices.
#include "common/scan.h"
#include "common/sort_pairs.h"
#include "common/unroll.h"

struct SelectionMemory {
  Pairs pairs;
  uint words[256];
  uint digit, digit_begin, digit_count;
};

struct Selection {
  device const float* values;
  uint length, t;
  threadgroup SelectionMemory* memory;

  // What is selected: keys up to `key_prefix` under `key_mask`, and of the equal ones only indices up to `index_prefix`
  // under `index_mask`. Everything, where all are 0.
  uint key_mask, key_prefix, index_mask, index_prefix;

  // Order of keys = order of floats; both zeros are one. NONE, above every key, past the end of the row.
  // The load is unconditional, so that the compiler can have several in flight.
  uint key_at(uint i) const thread {
    const uint bits = as_type<uint>(values[min(i, length - 1)]);
    const uint key = bits == 0x80000000 ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000);
    return i < length ? key : NONE;
  }

  bool has(uint key, uint i) const thread {
    key &= key_mask;
    return key < key_prefix || (key == key_prefix && (i & index_mask) <= index_prefix);
  }
};

// Of the elements that equal a selection's prefixes: the rank wanted among them, and their number.
struct Bucket {
  uint needed, count;
};

// How many of the bucket have each digit, four times over: counts[digit + 256 * (t % 4)].
inline void count_digits(thread const Selection& row, bool by_index, uint shift, uint width) {
  threadgroup atomic_uint* counts = (threadgroup atomic_uint*)row.memory->pairs.keys;
  for (uint i = row.t; i < 1024; i += 256) atomic_store_explicit(&counts[i], 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint base = row.t; base < row.length; base += 1024) {
    uint keys[4];
    UNROLL for (uint j = 0; j < 4; j++) keys[j] = row.key_at(base + j * 256);
    UNROLL for (uint j = 0; j < 4; j++) {
      const uint i = base + j * 256;
      if (i >= row.length || (keys[j] & row.key_mask) != row.key_prefix) continue;
      if ((i & row.index_mask) != row.index_prefix) continue;
      const uint digit = extract_bits(by_index ? i : keys[j], shift, width);
      atomic_fetch_add_explicit(&counts[row.t % 4 * 256 + digit], 1, memory_order_relaxed);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// One step of radix selection: keeps of the bucket the elements whose next digit is that of the needed-th smallest.
inline void narrow(thread Selection& row, thread Bucket& bucket, bool by_index, uint shift, uint width) {
  threadgroup SelectionMemory& memory = *row.memory;
  count_digits(row, by_index, shift, width);
  uint own = 0;
  for (uint j = 0; j < 4; j++) own += memory.pairs.keys[row.t + j * 256];
  const uint inclusive = threadgroup_inclusive_scan(own, row.t, memory.words);
  if (inclusive - own < bucket.needed && bucket.needed <= inclusive) {
    memory.digit = row.t;
    memory.digit_begin = inclusive - own;
    memory.digit_count = own;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  bucket.needed -= memory.digit_begin;
  bucket.count = memory.digit_count;
  const uint mask = ((1u << width) - 1) << shift, prefix = memory.digit << shift;
  if (by_index) {
    row.index_mask |= mask;
    row.index_prefix |= prefix;
  } else {
    row.key_mask |= mask;
    row.key_prefix |= prefix;
  }
}

// How many low bits the keys differ in: the mask of the others and what it leaves of the keys become those of the row.
inline uint differing_bits(thread Selection& row) {
  threadgroup uint* words = row.memory->words;
  uint low = NONE, high = 0;
  for (uint base = row.t; base < row.length; base += 1024) {
    UNROLL for (uint j = 0; j < 4; j++) {
      const uint key = row.key_at(base + j * 256);
      low = min(low, key);
      if (key != NONE) high = max(high, key);
    }
  }
  low = simd_min(low);
  high = simd_max(high);
  if (row.t % 32 == 0) {
    words[row.t / 32] = low;
    words[8 + row.t / 32] = high;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  low = simd_min(words[row.t % 8]);
  high = simd_max(words[8 + row.t % 8]);
  const uint bits = 32 - clz(low ^ high);
  row.key_mask = bits == 32 ? 0 : NONE << bits;
  row.key_prefix = low & row.key_mask;
  return bits;
}

// Narrows what is selected until it fits: at least the `want` smallest, at most CAPACITY.
inline void select_by_radix(thread Selection& row, uint want) {
  uint bits_left = differing_bits(row);
  Bucket bucket = {want, row.length};
  for (uint by_index = 0; by_index < 2; by_index++) {
    for (uint width; bits_left > 0 && want - bucket.needed + bucket.count > CAPACITY; bits_left -= width) {
      width = min(bits_left, 8u);
      narrow(row, bucket, by_index == 1, bits_left - width, width);
    }
    bits_left = 32 - clz(row.length - 1);
  }
}
