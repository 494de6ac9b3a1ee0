// The `want` greatest of `count` keys, ties to lower indices, by one threadgroup of 256. Selected are keys above
// `prefix` under `mask`, and the first `equal` of those equal to it. Keys has uint operator[](uint index) const thread.
#include "common/atomics.h"
#include "common/scan.h"

constexpr constant uint FEW = 64;  // keys that are quicker ranked than told apart by another digit

struct TopMemory {
  uint4 words[256];  // free for the includer before bound()
  uint2 extremes[8], counts[8];
  uint scan[8], digit, above, bucket;
};

// Order of keys = order of floats; both zeros are one.
inline uint ordered_key(float value) {
  const uint bits = as_type<uint>(value);
  return bits == 0x80000000 ? bits : bits ^ (uint(int(bits) >> 31) | 0x80000000);
}

// A SIMD-group's run of neighbouring keys: the place of its next selected one, how many equal ones came before.
struct TopRun {
  uint begin, end, place, equal_before;
};

template <class Keys>
struct TopKeys {
  Keys keys;
  uint count, t;
  threadgroup TopMemory* memory;
  uint mask = 0, prefix = 0, equal = 0;

  // Keeps those whose next digit is that of the equal-th greatest; returns how many they are.
  uint narrow(uint shift, uint width) thread {
    threadgroup uint* counts = (threadgroup uint*)memory->words;
    memory->words[t] = uint4(0);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < count; i += 256) {
      const uint key = keys[i];
      // Four histograms: the keys of neighbours often share a digit.
      if ((key & mask) == prefix) atomic_add(counts[(255 - extract_bits(key, shift, width)) * 4 + t % 4], 1);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint4 four = memory->words[t];
    const uint own = four.x + four.y + four.z + four.w;
    const uint inclusive = threadgroup_inclusive_scan(own, t, memory->scan);
    if (inclusive - own < equal && equal <= inclusive) {
      memory->digit = 255 - t;
      memory->above = inclusive - own;
      memory->bucket = own;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    equal -= memory->above;
    mask |= ((1u << width) - 1) << shift;
    prefix |= memory->digit << shift;
    return memory->bucket;
  }

  // Finds the bound among the few keys that equal the prefix: each ranks itself.
  void rank_few() thread {
    threadgroup uint* few = (threadgroup uint*)memory->words;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t == 0) memory->bucket = 0;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = t; i < count; i += 256) {
      const uint key = keys[i];
      if ((key & mask) == prefix) few[atomic_add(memory->bucket, 1)] = key;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint bucket = memory->bucket;
    if (t < bucket) {
      const uint own = few[t];
      uint above = 0, same_before = 0;
      for (uint i = 0; i < bucket; i++) {
        above += uint(few[i] > own);
        same_before += uint(few[i] == own && i < t);
      }
      if (above + same_before + 1 == equal) {
        memory->digit = own;
        memory->above = above;
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mask = NONE;
    prefix = memory->digit;
    equal -= memory->above;
  }

  // Finds the bound. Digits start at the highest bit in which keys differ.
  void bound(uint want) thread {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    uint low = NONE, high = 0;
    for (uint i = t; i < count; i += 256) {
      const uint key = keys[i];
      low = min(low, key);
      high = max(high, key);
    }
    const uint2 extremes = uint2(simd_min(low), simd_max(high));
    if (t % 32 == 0) memory->extremes[t / 32] = extremes;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    low = simd_min(memory->extremes[t % 8].x);
    high = simd_max(memory->extremes[t % 8].y);
    uint bits_left = 32 - clz(low ^ high), bucket = count;
    mask = bits_left == 32 ? 0 : NONE << bits_left;
    prefix = low & mask;
    equal = want;
    for (uint width; bits_left > 0 && bucket > max(equal, FEW); bits_left -= width) {
      width = min(bits_left, 8u);
      bucket = narrow(bits_left - width, width);
    }
    if (bits_left > 0 && bucket > equal) rank_few();
  }

  // This SIMD-group's run; the first of all selected keys goes to `place`.
  TopRun run(uint place) const thread {
    const uint length = (count + 255) / 256 * 32, begin = min(t / 32 * length, count), end = min(begin + length, count);
    uint2 own = uint2(0);  // above, equal
    for (uint i = begin + t % 32; i < end; i += 32) {
      const uint key = keys[i] & mask;
      own += uint2(key > prefix, key == prefix);
    }
    own = simd_sum(own);
    if (t % 32 == 0) memory->counts[t / 32] = own;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint2 before = simd_sum(t % 32 < t / 32 ? memory->counts[t % 32] : uint2(0));
    return {begin, end, place + before.x + min(before.y, equal), before.y};
  }

  // For a whole SIMD-group at once, with neighbouring keys: whether this thread's is selected, and where it goes.
  bool take(thread TopRun& run, uint i, thread uint& place) const thread {
    const uint key = i < run.end ? keys[i] & mask : 0, before = (1u << t % 32) - 1;
    const bool is_equal = i < run.end && key == prefix;
    const uint equals = uint(simd_vote::vote_t(simd_ballot(is_equal)));
    const bool is_few = is_equal && run.equal_before + popcount(equals & before) < equal;
    const bool is_taken = is_few || (i < run.end && key > prefix);
    const uint taken = uint(simd_vote::vote_t(simd_ballot(is_taken)));
    place = run.place + popcount(taken & before);
    run.place += popcount(taken);
    run.equal_before += popcount(equals);
    return is_taken;
  }
};
