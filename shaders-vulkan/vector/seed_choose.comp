#version 460
// Draws a row with probability nearest[m, row] / sum (uniformly at first) and copies it to centroid steps[m]++.
// One workgroup draws for one subspace m; running sums are taken in order, so a draw is reproducible.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer points_ { vec4 points[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer nearest_ { float nearest[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer sums_ { float sums[]; };
layout(set = 0, binding = 3, std430) restrict buffer steps_ { uint steps[]; };
layout(set = 0, binding = 4, std430) restrict buffer centroids_ { vec4 centroids[]; };
layout(push_constant) uniform Params { uint rows, chunks, subspace_chunks, blocks, seed; };

#include "../common/index.glsl"
#include "../common/random.glsl"

shared float run_sums[256];
shared uint chosen_run;  // the run that holds the target
shared uint last_run;    // the last run that is not all zero
shared uint choice;
shared float sum_before;

float value_at(bool of_blocks, uint i) { return of_blocks ? sums[i] : nearest[i]; }

// Sets `choice` to the first of `count` values whose running sum exceeds the target (for blocks, a share of the total),
// and sum_before to the sum before it; the last positive value where rounding leaves none. Returns the total.
// Each thread adds up a run of neighbours; the runs are added up in order, so that running sums never decrease.
float choose(bool of_blocks, uint first, uint count, float target) {
  const uint t = gl_LocalInvocationIndex;
  const uint run = (count + 255) / 256;
  const uint begin = first + min(t * run, count), end = first + min(t * run + run, count);
  float own = 0;
  for (uint i = begin; i < end; ++i) own += value_at(of_blocks, i);
  barrier();
  run_sums[t] = own;
  if (t == 0) {
    chosen_run = NONE;
    last_run = 0;
  }
  barrier();
  float before = 0, total = 0;
  for (uint s = 0; s < 256; ++s) {
    if (s == t) before = total;
    total += run_sums[s];
  }
  if (of_blocks) target *= total;
  if (before <= target && before + own > target) chosen_run = t;
  if (own > 0) atomicMax(last_run, t);
  barrier();
  if (t != (chosen_run == NONE ? last_run : chosen_run)) before = INFINITY;
  for (uint i = begin; i < end && before <= target; ++i) {
    const float value = value_at(of_blocks, i);
    if (value > 0) {
      choice = i - first;
      sum_before = before;
    }
    before += value;
  }
  barrier();
  return total;
}

uint draw_row(uint m, uint step) {
  const uint fallback = random_word(seed, m, step) % rows;
  if (step == 0) return fallback;
  const float share = uniform_float(seed, m, step);
  const float total = choose(true, m * blocks, blocks, share);
  if (total == 0) return fallback;
  const uint block = choice;
  choose(false, m * rows + block * 1024, min(rows - block * 1024, 1024), max(share * total - sum_before, 0));
  return block * 1024 + choice;
}

void main() {
  const uint m = gl_WorkGroupID.y;
  const uint step = steps[m];
  const uint row = draw_row(m, step);
  for (uint c = gl_LocalInvocationIndex; c < subspace_chunks; c += 256) {
    const uint chunk = m * subspace_chunks + c;
    centroids[packed_index(step, chunks, chunk)] = points[packed_index(row, chunks, chunk)];
  }
  barrier();
  if (gl_LocalInvocationIndex == 0) steps[m] = step + 1;
}
