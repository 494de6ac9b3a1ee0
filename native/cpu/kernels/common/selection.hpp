// Selecting and sorting 64-bit keys that are all different: a value's order in the high half, its index in the low
// half.
#pragma once
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

// Keys compare as (value, index) does; -0 counts as 0.
inline uint64_t key_of(float value, uint32_t index) {
  value += 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits ^= bits >> 31 ? 0xFFFFFFFFu : 0x80000000u;
  return uint64_t{bits} << 32 | index;
}
inline uint32_t index_of(uint64_t key) { return static_cast<uint32_t>(key); }

inline void insertion_sort(uint64_t* keys, size_t count) {
  for (size_t i = 1; i < count; i++) {
    const uint64_t key = keys[i];
    size_t at = i;
    for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
    keys[at] = key;
  }
}

constexpr size_t SHORT = 24;  // insertion sort is faster up to here

// Hoare's partition around the median of three: afterwards keys[0, split) are all less than the rest, both not empty.
inline size_t partition(uint64_t* keys, size_t count) {
  const uint64_t a = keys[0], b = keys[count / 2], c = keys[count - 1];
  const uint64_t low = a < b ? a : b, high = a < b ? b : a;
  const uint64_t pivot = c < low ? low : c < high ? c : high;
  size_t left = 0, right = count - 1;
  for (;; left++, right--) {
    while (keys[left] < pivot) left++;
    while (keys[right] > pivot) right--;
    if (left >= right) return left;
    const uint64_t swapped = keys[left];
    keys[left] = keys[right];
    keys[right] = swapped;
  }
}

// The k smallest of `count` come first, in any order; keys[k - 1] is the greatest of them.
inline void select_keys(uint64_t* keys, size_t count, size_t k) {
  while (count > SHORT) {
    const size_t split = partition(keys, count);
    if (k <= split) {
      count = split;
    } else {
      keys += split;
      count -= split;
      k -= split;
    }
  }
  insertion_sort(keys, count);
}

inline void sort_keys(uint64_t* keys, size_t count) {
  while (count > SHORT) {
    const size_t split = partition(keys, count);
    if (split < count - split) {
      sort_keys(keys, split);
      keys += split;
      count -= split;
    } else {
      sort_keys(keys + split, count - split);
      count = split;
    }
  }
  insertion_sort(keys, count);
}

}  // namespace wavetile::cpu::WAVETILE_ISA
