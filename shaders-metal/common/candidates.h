// The tokens of a row that may be chosen: those that are not below a bound that only rises. A token is a key above ~id,
// so that the lower one of equal tokens is the better. They are in the row's blocks whose largest logit is not below
// the bound, or, once they are few, in a list. A threadgroup of 512 does a row. Sums are integers: no order of addition
// matters.
#include "common/atomics.h"
#include "common/index.h"
#include "common/sampling.h"
#include "common/unroll.h"

constexpr constant uint THREADS = 512, CAPACITY = 2048, FEW = 512, MAX_BLOCKS = 1024;

struct CandidateMemory {
  ulong list[CAPACITY], groups[THREADS / 32], found;
  uint blocks[MAX_BLOCKS], words[768], gathered, digit, bucket, kept;
};

inline ulong token_of(uint key, uint id) { return ulong(key) << 32 | ~id; }
inline uint key_in(ulong token) { return uint(token >> 32); }
inline uint id_in(ulong token) { return ~uint(token); }

struct Candidates {
  device const float* logits;   // of the row
  device const uint4* winners;  // of the row's blocks
  uint blocks, vocabulary, t;
  threadgroup CandidateMemory* memory;
  Sampler sampler;
  uint best = 0;  // the key of the largest logit
  ulong bound = 1ul << 32;
  uint size = 0;
  bool listed = false, by_mass = false;

  ulong token(uint n) const thread {
    if (n >= size) return 0;
    if (listed) return memory->list[n];
    const uint id = memory->blocks[n / LOGIT_BLOCK] * LOGIT_BLOCK + n % LOGIT_BLOCK;
    return id < vocabulary ? token_of(key_of(logits[id]), id) : 0;
  }

  uint measure(uint key) const thread { return by_mass ? weight_of(sampler, logit_of(best), logit_of(key)) : 1; }

  void raise_bound(ulong token) thread {
    if (token > bound) bound = token;
  }

  // Calls for all threads at once from here on.

  void list_maxima() thread {
    for (uint b = t; b < blocks; b += THREADS) memory->list[b] = token_of(winners[b].x, b);
    size = blocks;
    listed = true;
  }

  void begin_gathering() const thread {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t == 0) memory->gathered = 0;
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }

  void select_blocks() thread {
    begin_gathering();
    for (uint b = t; b < blocks; b += THREADS)
      if (winners[b].x >= key_in(bound)) memory->blocks[atomic_add(memory->gathered, 1)] = b;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    size = memory->gathered * LOGIT_BLOCK;
    listed = false;
  }

  // Lists the candidates if they fit.
  void gather() thread {
    begin_gathering();
    for (uint first = t; first < size + t; first += 4 * THREADS) {
      ulong tokens[4];
      UNROLL for (uint j = 0; j < 4; j++) tokens[j] = token(first + j * THREADS);
      // A list is gathered in its own place; it is no longer than this one turn.
      if (listed) threadgroup_barrier(mem_flags::mem_threadgroup);
      UNROLL for (uint j = 0; j < 4; j++) {
        if (tokens[j] < bound) continue;
        const uint place = atomic_add(memory->gathered, 1);
        if (place < CAPACITY) memory->list[place] = tokens[j];
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (memory->gathered > CAPACITY) return;
    size = memory->gathered;
    listed = true;
  }

  ulong largest(ulong own) const thread {
    for (ushort distance = 16; distance > 0; distance /= 2) {
      const ulong other = as_type<ulong>(simd_shuffle_xor(as_type<uint2>(own), distance));
      if (other > own) own = other;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t % 32 == 0) memory->groups[t / 32] = own;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint group = 0; group < THREADS / 32; group++)
      if (memory->groups[group] > own) own = memory->groups[group];
    return own;
  }

  // Inclusive; `total` becomes the sum of all.
  ulong prefix_sum(ulong own, thread ulong& total) const thread {
    for (ushort distance = 1; distance < 32; distance *= 2) {
      const ulong lower = as_type<ulong>(simd_shuffle_up(as_type<uint2>(own), distance));
      if (t % 32 >= distance) own += lower;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t % 32 == 31) memory->groups[t / 32] = own;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    total = 0;
    for (uint group = 0; group < THREADS / 32; group++) {
      if (group < t / 32) own += memory->groups[group];
      total += memory->groups[group];
    }
    return own;
  }
};
