#version 460
// output = softmax(scale q.k + log weight) v over the listed positions, by online softmax over 64 positions at a time.
// One workgroup does one query (x) of one query head (y).
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint weighted = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer queries_ { float queries[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer keys_ { float keys[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer values_ { float values[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer list_ { uint list[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer weights_ { float weights[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer attended_ { float attended[]; };
layout(push_constant) uniform Params {
  uint query_count, key_count, dimensions, value_dimensions, length, heads_per_kv, heads_per_list;
  float scale;
};

#include "../common/index.glsl"

const uint STEP = 64, LANES = 32, PITCH = 33;
shared float partial[STEP * PITCH];  // dot products in the making; at the end sums of values
shared float exponents[STEP];
shared uint rows[STEP];

// Logits of `count` positions from `first` on, into exponents.
void score(uint query, uint list_head, uint kv, uint first, uint count) {
  const uint t = gl_LocalInvocationIndex, lane = t % LANES;
  barrier();
  if (t < count) rows[t] = list[list_head * length + first + t];
  barrier();
  for (uint i = t / LANES; i < count; i += 256 / LANES) {
    const uint key = (kv * key_count + rows[i]) * dimensions;
    float sum = 0;
    for (uint d = lane; d < dimensions; d += LANES) sum += queries[query * dimensions + d] * keys[key + d];
    partial[i * PITCH + lane] = sum;
  }
  barrier();
  if (t >= count) return;
  float logit = 0;
  for (uint i = 0; i < LANES; ++i) logit += partial[t * PITCH + i];
  logit *= scale;
  if (weighted == 1) {
    const float weight = weights[list_head * key_count + rows[t]];
    logit = weight > 0 ? logit + log(weight) : -INFINITY;
  }
  exponents[t] = logit;
}

void main() {
  const uint t = gl_LocalInvocationIndex, head = gl_WorkGroupID.y;
  const uint query = head * query_count + gl_WorkGroupID.x;
  const uint kv = head / heads_per_kv, list_head = head / heads_per_list;
  // Short values: several lanes share the positions of a step.
  const uint width = min(1u << (findMSB(max(value_dimensions, 2) - 1) + 1), 256u), lanes = 256 / width;
  float sums[4] = float[](0, 0, 0, 0);
  float greatest = -INFINITY, total = 0;
  for (uint first = 0; first < length; first += STEP) {
    const uint count = min(STEP, length - first);
    score(query, list_head, kv, first, count);
    barrier();
    float largest = greatest;
    for (uint i = 0; i < count; ++i) largest = max(largest, exponents[i]);
    barrier();
    if (t < count) exponents[t] = largest == -INFINITY ? 0 : exp(exponents[t] - largest);
    barrier();
    const float shrink = largest == -INFINITY ? 0 : exp(greatest - largest);
    greatest = largest;
    total *= shrink;
    for (uint i = 0; i < count; ++i) total += exponents[i];
    for (uint part = 0; part < 4; ++part) {
      const uint d = t % width + part * 256;
      if (d >= value_dimensions) break;
      float sum = sums[part] * shrink;
      for (uint i = t / width; i < count; i += lanes)
        sum += exponents[i] * values[(kv * key_count + rows[i]) * value_dimensions + d];
      sums[part] = sum;
    }
  }
  for (uint part = 0; part < 4; ++part) {
    barrier();
    partial[t] = sums[part];
    barrier();
    const uint d = t + part * 256;
    if (t >= width || d >= value_dimensions) continue;
    float sum = 0;
    for (uint lane = 0; lane < lanes; ++lane) sum += partial[lane * width + t];
    attended[query * value_dimensions + d] = total > 0 ? sum / total : 0;
  }
}
