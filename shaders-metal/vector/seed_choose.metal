// Draws a row with probability nearest[m, row] / sum (uniformly at first) and copies it to centroid steps[m]++.
// One threadgroup draws for one subspace m; running sums are taken in order, so a draw is reproducible.
#include "contracts/seed_choose.h"

#include "common/index.h"
#include "common/random.h"

struct Choice {
  float runs[256];  // sums of runs of neighbours
  uint run;         // the run that holds the target
  uint index;       // the value chosen
  float before;     // the sum of those before it
};

// Chooses the first of `count` values whose running sum exceeds `target`, or where `is_share` this share of the total;
// the last positive value where rounding leaves none. Returns the total. Each thread adds up a run of neighbours; the
// runs are added up in order, so that running sums never decrease.
inline float choose(threadgroup Choice& choice, device const float* values, uint count, float target, bool is_share,
                    uint t) {
  const uint run = (count + 255) / 256;
  const uint begin = min(t * run, count), end = min(t * run + run, count);
  float own = 0;
  for (uint i = begin; i < end; i++) own += values[i];
  choice.runs[t] = own;
  if (t == 0) choice.run = NONE;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float before = 0, total = 0;
  uint last_run = 0;
  for (uint s = 0; s < 256; s++) {
    if (s == t) before = total;
    if (choice.runs[s] > 0) last_run = s;
    total += choice.runs[s];
  }
  if (is_share) target *= total;
  if (before <= target && before + own > target) choice.run = t;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t != (choice.run == NONE ? last_run : choice.run)) before = INFINITY;
  for (uint i = begin; i < end && before <= target; i++) {
    const float value = values[i];
    if (value > 0) {
      choice.index = i;
      choice.before = before;
    }
    before += value;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return total;
}

[[max_total_threads_per_threadgroup(256)]] kernel void seed_choose(
    device const float4* points [[buffer(0)]], device const float* nearest [[buffer(1)]],
    device const float* sums [[buffer(2)]], device uint* steps [[buffer(3)]], device float4* centroids [[buffer(4)]],
    constant Params& params [[buffer(5)]], uint2 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup Choice choice;
  const uint m = group.y, step = steps[m], rows = params.rows, chunks = params.chunks;
  const float share = uniform_float(params.seed, m, step);
  const float total = step == 0 ? 0 : choose(choice, sums + m * params.blocks, params.blocks, share, true, t);
  uint row = random_word(params.seed, m, step) % rows;
  if (total != 0) {
    const uint first = choice.index * 1024;
    const float target = max(share * total - choice.before, 0.0);
    choose(choice, nearest + m * rows + first, min(rows - first, 1024u), target, false, t);
    row = first + choice.index;
  }
  const uint first_chunk = m * params.subspace_chunks;
  const uint from = packed_index(row, chunks, first_chunk), to = packed_index(step, chunks, first_chunk);
  for (uint c = t; c < params.subspace_chunks; c += 256) centroids[to + c * 32] = points[from + c * 32];
  threadgroup_barrier(mem_flags::mem_device);
  if (t == 0) steps[m] = step + 1;
}
