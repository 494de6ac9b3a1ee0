// Of each row and each block of 512 logits: the key of the largest, the token with the best score (the largest logit,
// or a draw from all tokens where nothing bounds them), the key of that score, and the sum of weights relative to the
// largest. penalised: logits of tokens that were there before are changed in place. One threadgroup does one block of
// one row.
#include "contracts/logit_blocks.h"

#include "common/index.h"
#include "common/sampling.h"
#include "common/unroll.h"

// Bit 31 of a count: in the prompt; the others: how often it was generated.
inline float penalise(float logit, device const uint* state, uint seen) {
  if (seen == 0) return logit;
  const float scaled = logit * as_type<float>(state[logit > 0 ? 6 : 5]);
  const uint generated = seen & 0x7FFFFFFF;
  if (generated == 0) return scaled;
  const float lowered = scaled - as_type<float>(state[7]), repeated = as_type<float>(state[8]) * float(generated);
  return lowered - repeated;
}

[[max_total_threads_per_threadgroup(128)]] kernel void logit_blocks(
    device float* logits [[buffer(0)]], device const uint4* steps [[buffer(1)]],
    device const uint* sampling [[buffer(2)]], device const uint* counts [[buffer(3)]],
    device uint4* winners [[buffer(4)]], constant Params& params [[buffer(5)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint3 bests[4];  // of SIMD-groups: key, score, id
  threadgroup uint masses[4];
  const uint4 step = steps[params.first_step + group.y];
  if (step.w != SAMPLE) return;
  const uint vocabulary = params.vocabulary, first = group.x * LOGIT_BLOCK + t;
  device const uint* state = sampling + step.z * STATE_WORDS;
  device float* row = logits + group.y * params.stride;
  const Sampler s = sampler_of(state);
  Sampler scorer = s;
  if ((s.flags & TRUNCATED) != 0) scorer.scale = 0;  // sample_rows draws
  float own[4];
  UNROLL for (uint i = 0; i < 4; i++) own[i] = first + i * 128 < vocabulary ? row[first + i * 128] : -INFINITY;
  if (params.penalised != 0 && (s.flags & PENALISED) != 0) {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint id = first + i * 128;
      if (id >= vocabulary) continue;
      own[i] = penalise(own[i], state, counts[step.z * vocabulary + id]);
      row[id] = own[i];
    }
  }
  uint key = 0, score = 0, id = NONE;
  UNROLL for (uint i = 0; i < 4; i++) {
    const uint own_id = first + i * 128, own_key = key_of(own[i]);
    if (own_key == 0) own[i] = -INFINITY;
    if (own_key == 0) continue;
    key = max(key, own_key);
    const uint own_score = key_of(clamp(score_of(scorer, own[i], own_id), -3.4e38f, 3.4e38f));
    if (own_score > score) {
      score = own_score;
      id = own_id;
    }
  }
  const uint group_score = simd_max(score), group_id = simd_min(score == group_score ? id : NONE);
  key = simd_max(key);
  if (t % 32 == 0) bests[t / 32] = uint3(key, group_score, group_id);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint3 other = bests[t % 4];
  const uint best_key = simd_max(other.x), best_score = simd_max(other.y);
  const uint best_id = simd_min(other.y == best_score ? other.z : NONE);
  uint mass = 0;
  // Only top-p over all tokens asks for their sum.
  if ((s.flags & TRUNCATED) != 0 && s.top_k == 0 && s.top_p < 1 && best_key != 0) {
    const float largest = logit_of(best_key);
    UNROLL for (uint i = 0; i < 4; i++) mass += (weight_of(s, largest, own[i]) + 256) >> 9;
    mass = simd_sum(mass);
    if (t % 32 == 0) masses[t / 32] = mass;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    mass = masses[0] + masses[1] + masses[2] + masses[3];
  }
  if (t == 0) winners[group.y * groups.x + group.x] = uint4(best_key, best_id, best_score, mass);
}
