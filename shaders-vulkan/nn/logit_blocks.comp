#version 460
// Of each row and each block of 512 logits: the key of the largest, the token with the best score (the largest logit,
// or a draw from all tokens where nothing bounds them), the key of that score, and the sum of weights relative to the
// largest. penalised: logits of tokens that were there before are changed in place. One workgroup does one block of
// one row.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require

layout(local_size_x = 128) in;
layout(set = 0, binding = 0, std430) restrict buffer logits_ { float logits[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer steps_ { uvec4 steps[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer sampling_ { uint sampling[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer counts_ { uint counts[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer winners_ { uvec4 winners[]; };
layout(push_constant) uniform Params { uint vocabulary, stride, first_step, penalised; };

#include "../common/random.glsl"
#include "../common/sampling.glsl"

shared uint best_key, best_score, best_id, mass;

// Bit 31 of a count: in the prompt; the others: how often it was generated.
float penalise(float logit, uint slot, uint seen) {
  if (seen == 0) return logit;
  precise float value = logit * state_float(slot, logit > 0 ? 6 : 5);
  const uint generated = seen & 0x7FFFFFFFu;
  if (generated == 0) return value;
  value = value - state_float(slot, 7);
  precise float repeated = state_float(slot, 8) * float(generated);
  value = value - repeated;
  return value;
}

void main() {
  const uvec4 step = steps[first_step + gl_WorkGroupID.y];
  if (step.w != SAMPLE) return;
  const Sampler s = sampler_of(step.z);
  Sampler scorer = s;
  if ((s.flags & TRUNCATED) != 0) scorer.scale = 0;  // sample_rows draws
  const uint t = gl_LocalInvocationIndex, row = gl_WorkGroupID.y * stride, first = gl_WorkGroupID.x * LOGIT_BLOCK + t;
  if (t == 0) {
    best_key = best_score = mass = 0;
    best_id = 0xFFFFFFFFu;
  }
  float own[4];
  [[unroll]] for (uint i = 0; i < 4; i++) own[i] = logits[row + min(first + i * 128, vocabulary - 1)];
  if (penalised != 0 && (s.flags & PENALISED) != 0) {
    [[unroll]] for (uint i = 0; i < 4; i++) {
      const uint id = first + i * 128;
      if (id >= vocabulary) continue;
      own[i] = penalise(own[i], step.z, counts[step.z * vocabulary + id]);
      logits[row + id] = own[i];
    }
  }
  uint key = 0, score = 0, id = 0xFFFFFFFFu;
  [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint own_key = first + i * 128 < vocabulary ? key_of(own[i]) : 0;
    if (own_key == 0) own[i] = uintBitsToFloat(0xFF800000u);
    if (own_key == 0) continue;
    key = max(key, own_key);
    const uint own_score = key_of(clamp(score_of(scorer, own[i], first + i * 128), -3.4e38, 3.4e38));
    if (own_score > score) {
      score = own_score;
      id = first + i * 128;
    }
  }
  barrier();
  const uint group_key = subgroupMax(key), group_score = subgroupMax(score);
  if (subgroupElect()) {
    atomicMax(best_key, group_key);
    atomicMax(best_score, group_score);
  }
  barrier();
  if (score == best_score) atomicMin(best_id, id);
  // Only top-p over all tokens asks for their sum.
  if ((s.flags & TRUNCATED) != 0 && s.top_k == 0 && s.top_p < 1 && best_key != 0) {
    uint sum = 0;
    [[unroll]] for (uint i = 0; i < 4; i++) sum += (weight_of(s, logit_of(best_key), own[i]) + 256) >> 9;
    atomicAdd(mass, sum);
  }
  barrier();
  const uint place = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (t == 0) winners[place] = uvec4(best_key, best_id, best_score, mass);
}
