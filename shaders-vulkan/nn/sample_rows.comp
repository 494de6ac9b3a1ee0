#version 460
// chosen[row] = a token drawn after temperature, top-k, top-p and min-p, or the best one; NONE where no logit is
// finite. It becomes the token of the row's next step, and its slot's counter and counts go up. Reads what
// logit_blocks wrote. One workgroup does one row.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

layout(local_size_x = 512) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer logits_ { float logits[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer winners_ { uvec4 winners[]; };
layout(set = 0, binding = 2, std430) restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 3, std430) restrict buffer sampling_ { uint sampling[]; };
layout(set = 0, binding = 4, std430) restrict buffer counts_ { uint counts[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer chosen_ { uint chosen[]; };
layout(push_constant) uniform Params { uint vocabulary, stride, first_step, penalised; };

#include "../common/random.glsl"
#include "../common/sampling.glsl"
#include "../common/candidates.glsl"
#include "../common/candidate_bound.glsl"

shared uint best_key, best_score, best_id;

void begin_best() {
  barrier();
  if (gl_LocalInvocationIndex == 0) {
    best_key = best_score = 0;
    best_id = 0xFFFFFFFFu;
  }
  barrier();
}

// The lowest id of the largest score.
uint workgroup_best(uint score, uint id) {
  const uint group_score = subgroupMax(score);
  if (subgroupElect()) atomicMax(best_score, group_score);
  barrier();
  if (score == best_score && score != 0) atomicMin(best_id, id);
  barrier();
  return best_id;
}

uint best_of_blocks() {
  uint key = 0, score = 0, id = 0xFFFFFFFFu;
  begin_best();
  for (uint b = gl_LocalInvocationIndex; b < row_blocks; b += THREADS) {
    const uvec4 winner = winners[first_winner + b];
    key = max(key, winner.x);
    if (winner.z > score) {
      score = winner.z;
      id = winner.y;
    }
  }
  const uint group_key = subgroupMax(key);
  if (subgroupElect()) atomicMax(best_key, group_key);
  const uint best = workgroup_best(score, id);
  top_key = best_key;
  return best;
}

void list_blocks_maxima() {
  for (uint b = gl_LocalInvocationIndex; b < row_blocks; b += THREADS) {
    list_keys[b] = winners[first_winner + b].x;
    list_ids[b] = b;
  }
  barrier();
  listed = true;
  size = row_blocks;
}

// The sum of the candidates' weights, or of all tokens' from the blocks' sums.
uvec2 total_mass(bool all) {
  uvec2 own = uvec2(0);
  const uint count = all ? row_blocks : size;
  for (uint n = gl_LocalInvocationIndex; n < count; n += THREADS) {
    const uvec4 winner = all ? winners[first_winner + n] : uvec4(element(n), 0, 1u << 22);
    if (all ? winner.x == 0 : !is_candidate(winner.xy)) continue;
    uint high, low;
    umulExtended(winner.w, measure(winner.x), high, low);
    own = plus(own, uvec2(low >> 22 | high << 10, high >> 22));
  }
  return workgroup_sum(own);
}

// The least integer not below share * whole.
uvec2 share_of(float share, uvec2 whole) {
  const uint part = uint(share * 4294967296.0);
  uint high, low, lowest, carried;
  umulExtended(whole.x, part, carried, lowest);
  umulExtended(whole.y, part, high, low);
  const uvec2 product = plus(uvec2(low, high), uvec2(carried, 0));
  return plus(product, uvec2(uint(lowest != 0 || product == uvec2(0)), 0));
}

// What rises: the blocks' bound (no token below the k-th largest of their maxima is among the k best), top-k, top-p.
const uint BLOCKS = 0, TOP_K = 1, TOP_P = 2;

uint draw() {
  const Sampler s = sampler_state;
  const bool all = s.top_k == 0;
  const float largest = logit_of(top_key);
  precise float floor_logit = largest - s.drop, useless = largest - s.tail;
  bound_key = 1;
  bound_place = 0;
  for (uint step = BLOCKS; step <= TOP_P; step++) {
    by_mass = step == TOP_P;
    bool rises = by_mass ? s.top_p < 1 : !all;
    uvec2 want = uvec2(s.top_k, 0);
    if (step == BLOCKS) {
      rises = rises && s.top_k <= row_blocks;
      if (rises) list_blocks_maxima();
    } else if (step == TOP_K) {
      bound_place = 0;
      if (all && s.top_p < 1) raise_bound(key_of(useless), 0);
      if (all || s.top_p == 1) raise_bound(key_of(floor_logit), 0);
      select_blocks();
      gather();
    } else if (rises) {
      want = share_of(s.top_p, total_mass(all));
    }
    if (rises) raise(want);
  }
  raise_bound(key_of(floor_logit), 0);
  begin_best();
  uint score = 0, id = 0xFFFFFFFFu;
  for (uint n = gl_LocalInvocationIndex; n < size; n += THREADS) {
    const uvec2 e = element(n);
    if (!is_candidate(e)) continue;
    const uint own = key_of(clamp(score_of(s, logit_of(e.x), e.y), -3.4e38, 3.4e38));
    if (own < score || (own == score && e.y > id)) continue;
    score = own;
    id = e.y;
  }
  return workgroup_best(score, id);
}

void main() {
  const uint row = gl_WorkGroupID.x, place = first_step + row;
  const uvec4 step = steps[place];
  if (step.w != SAMPLE) return;
  sampler_state = sampler_of(step.z);
  row_begin = row * stride;
  row_blocks = (vocabulary + LOGIT_BLOCK - 1) / LOGIT_BLOCK;
  first_winner = row * row_blocks;
  uint token = best_of_blocks();
  if (token != 0xFFFFFFFFu && (sampler_state.flags & TRUNCATED) != 0) token = draw();
  if (gl_LocalInvocationIndex != 0) return;
  chosen[row] = token;
  if (token == 0xFFFFFFFFu) return;
  steps[place] = uvec4(token, step.y + 1, step.zw);
  sampling[step.z * STATE_WORDS + 11]++;
  if (penalised != 0 && (sampler_state.flags & PENALISED) != 0) counts[step.z * vocabulary + token]++;
}
