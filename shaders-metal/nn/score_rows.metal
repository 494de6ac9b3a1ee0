// scores[row] = logits[row][target] - log(sum of exp(logits[row])); 0 where the target is NONE.
// One threadgroup does one row; a thread keeps the sum relative to the largest logit that it has seen.
#include "contracts/score_rows.h"

#include "common/index.h"
#include "common/unroll.h"

#pragma METAL fp contract(off)  // which Kahan's sum would not survive

constexpr constant float LOWEST = -3.402823466e38;

// (largest, sum relative to it) of two, relative to the larger; their order does not matter.
inline float2 merged(float2 a, float2 b) {
  const float largest = max(a.x, b.x);
  return float2(largest, a.y * exp(a.x - largest) + b.y * exp(b.x - largest));
}

// Of `lanes` neighbouring threads; all of them get it.
inline float2 merged_lanes(float2 own, ushort lanes) {
  for (ushort distance = lanes / 2; distance > 0; distance /= 2) own = merged(own, simd_shuffle_xor(own, distance));
  return own;
}

[[max_total_threads_per_threadgroup(256)]] kernel void score_rows(device const float* logits [[buffer(0)]],
                                                                  device const uint* targets [[buffer(1)]],
                                                                  device float* scores [[buffer(2)]],
                                                                  constant Params& params [[buffer(3)]],
                                                                  uint3 group [[threadgroup_position_in_grid]],
                                                                  uint3 groups [[threadgroups_per_grid]],
                                                                  uint t [[thread_index_in_threadgroup]]) {
  threadgroup float2 parts[8];
  const uint row = linear_index(group, groups), vocabulary = params.vocabulary;
  if (row >= params.rows) return;
  const uint target = targets[row];
  if (target == NONE) {
    if (t == 0) scores[row] = 0;
    return;
  }
  device const float* own_logits = logits + row * params.stride;
  float2 own = float2(LOWEST, 0);
  float lost = 0;  // Kahan: what the sum is too large by
  for (uint base = t; base < vocabulary; base += 2048) {
    float values[8], largest = own.x, sum = 0;
    UNROLL for (uint i = 0; i < 8; i++) {
      values[i] = base + i * 256 < vocabulary ? own_logits[base + i * 256] : -INFINITY;
      largest = max(largest, values[i]);
    }
    UNROLL for (uint i = 0; i < 8; i++) sum += exp(values[i] - largest);
    const float factor = exp(own.x - largest), before = own.y * factor;
    const float added = sum - lost * factor, after = before + added;
    lost = after - before;
    lost = lost - added;
    own = float2(largest, after);
  }
  own = merged_lanes(own, 32);
  if (t % 32 == 0) parts[t / 32] = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  own = merged_lanes(parts[t % 8], 8);
  if (t == 0) scores[row] = own_logits[min(target, vocabulary - 1)] - own.x - log(own.y);
}
