// How the bound of candidates.h rises to where the best candidates reach a count or a mass.
#include "common/candidates.h"

// The bound becomes the candidate at which the measures of the best ones reach `want`: each sums up those before it.
inline void raise_few(thread Candidates& row, ulong want) {
  threadgroup CandidateMemory& memory = *row.memory;
  const ulong own = row.token(row.t);
  const bool counts = own >= row.bound;
  const uint weight = counts ? row.measure(key_in(own)) : 0;
  memory.words[row.t] = weight;
  if (row.t == 0) memory.found = row.bound;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  ulong before = 0;
  for (uint n = 0; counts && n < row.size; n++) before += memory.list[n] > own ? memory.words[n] : 0;
  if (before < want && before + weight >= want) memory.found = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  row.bound = memory.found;
}

// Radix selection: candidates that equal the prefix under the mask are told apart by their next digit. Counts them, the
// largest digit first, and sums up their masses in two words.
inline void count_digits(thread const Candidates& row, ulong mask, ulong prefix, uint2 digit) {
  threadgroup uint* words = row.memory->words;
  for (uint i = row.t; i < 768; i += THREADS) words[i] = 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint first = row.t; first < row.size; first += 4 * THREADS) {
    ulong tokens[4];
    UNROLL for (uint j = 0; j < 4; j++) tokens[j] = row.token(first + j * THREADS);
    UNROLL for (uint j = 0; j < 4; j++) {
      if (tokens[j] < row.bound || (tokens[j] & mask) != prefix) continue;
      const uint place = 255 - extract_bits(uint(tokens[j] >> digit.x), 0, digit.y);
      atomic_add(words[place], 1);
      if (!row.by_mass) continue;
      const uint weight = row.measure(key_in(tokens[j]));
      if (atomic_add(words[256 + place], weight) + weight < weight) atomic_add(words[512 + place], 1);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// The digit at which the sum from the largest digit on reaches `needed`, the sum before it, how many have it (0 where
// the sum does not get there), and how many have one from it on.
inline void find_digit(thread const Candidates& row, ulong needed) {
  threadgroup CandidateMemory& memory = *row.memory;
  const uint t = row.t, count = t < 256 ? memory.words[t] : 0;
  ulong own = count, total;
  if (row.by_mass && t < 256) own = ulong(memory.words[512 + t]) << 32 | memory.words[256 + t];
  if (t == 0) memory.bucket = 0;
  const ulong reached = row.prefix_sum(own, total);
  const ulong counted = row.by_mass ? row.prefix_sum(count, total) : reached;
  if (reached - own < needed && needed <= reached) {
    memory.found = reached - own;
    memory.digit = 255 - t;
    memory.bucket = count;
    memory.kept = uint(counted);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// Leaves the rest to raise_few where few candidates remain, and says so.
inline bool raise_by_radix(thread Candidates& row, ulong want) {
  threadgroup CandidateMemory& memory = *row.memory;
  uint above = 0, bits = 64 - clz(key_in(row.bound) ^ row.best);
  ulong needed = want, mask = bits == 64 ? 0 : ~0ul << bits, prefix = token_of(row.best, 0) & mask;
  while (bits > 0) {
    if (bits == 32) {
      // Of places, the upper bits are all set.
      bits = 32 - clz(max(row.vocabulary - 1, 1u));
      mask |= NONE << bits;
      prefix |= NONE << bits;
    }
    const uint width = min(bits > 32 ? bits - 32 : bits, 8u);
    bits -= width;
    count_digits(row, mask, prefix, uint2(bits, width));
    find_digit(row, needed);
    if (memory.bucket == 0) return false;
    needed -= memory.found;
    const uint bucket = memory.bucket, kept = above + memory.kept;
    above = kept - bucket;
    mask |= ulong((1u << width) - 1) << bits;
    prefix |= ulong(memory.digit) << bits;
    row.raise_bound(prefix);
    if (bucket == 1) return false;
    if (!row.listed) row.select_blocks();
    if (kept <= (row.listed ? FEW : CAPACITY)) row.gather();
    if (row.listed && row.size <= FEW) return true;
  }
  return false;
}

// The bound rises to the last of the best candidates that are needed for a sum of `want`; it stays where all do not do.
inline void raise(thread Candidates& row, ulong want) {
  const bool few = (row.listed && row.size <= FEW) || raise_by_radix(row, want);
  if (few) raise_few(row, want);
}
