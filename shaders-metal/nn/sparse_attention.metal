// output = softmax(scale q.k + log weight) v over the listed positions, by online softmax over 64 positions at a time.
// One threadgroup does one query (x) of one query head (y).
#include "contracts/sparse_attention.h"

#include "common/unroll.h"

constexpr constant uint STEP = 64;

inline float total(float x) { return x; }
inline float total(float4 x) { return x.x + x.y + (x.z + x.w); }

struct Sides {
  device const float* query;
  device const float* keys;     // of the kv head
  device const uint* list;      // of the list's head
  device const float* weights;  // of the list's head
  uint dimensions;
  float scale;

  // Logits of `count` positions from `first` on, of which a SIMD-group does four at a time: their loads are in flight
  // together. T: a float, or a float4 where rows are as many whole ones.
  template <typename T>
  void score(uint first, uint count, uint t, threadgroup uint* rows, threadgroup float* exponents) const thread {
    const uint parts = dimensions / uint(sizeof(T) / sizeof(float));
    for (uint i = t / 32 * 4; i < count; i += 32) {
      uint four[4];
      T products[4];
      UNROLL for (uint j = 0; j < 4; j++) {
        four[j] = list[first + min(i + j, count - 1)];
        products[j] = T(0);
      }
      for (uint d = t % 32; d < parts; d += 32) {
        const T x = ((device const T*)query)[d];
        UNROLL for (uint j = 0; j < 4; j++) products[j] += x * ((device const T*)keys)[four[j] * parts + d];
      }
      UNROLL for (uint j = 0; j < 4; j++) {
        float logit = simd_sum(total(products[j])) * scale;
        if (t % 32 == j && i + j < count) {
          if (weighted == 1) logit = weights[four[j]] > 0 ? logit + log(weights[four[j]]) : -INFINITY;
          rows[i + j] = four[j];
          exponents[i + j] = logit;
        }
      }
    }
  }
};

[[max_total_threads_per_threadgroup(256)]] kernel void sparse_attention(
    device const float* queries [[buffer(0)]], device const float* keys [[buffer(1)]],
    device const float* values [[buffer(2)]], device const uint* list [[buffer(3)]],
    device const float* weights [[buffer(4)]], device float* attended [[buffer(5)]],
    constant Params& params [[buffer(6)]], uint3 group [[threadgroup_position_in_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float partial[256], exponents[STEP];
  threadgroup uint rows[STEP];
  const uint head = group.y, query = head * params.query_count + group.x, value_dimensions = params.value_dimensions;
  const uint first_key = head / params.heads_per_kv * params.key_count, list_head = head / params.heads_per_list;
  const Sides sides = {queries + query * params.dimensions,
                       keys + first_key * params.dimensions,
                       list + list_head * params.length,
                       weights + list_head * params.key_count,
                       params.dimensions,
                       params.scale};
  // Short values: several lanes share the positions of a step.
  const uint width = min(1u << (32 - clz(max(value_dimensions, 2u) - 1)), 256u), lanes = 256 / width;
  float sums[4] = {0, 0, 0, 0};
  float greatest = -INFINITY, total = 0;
  for (uint first = 0; first < params.length; first += STEP) {
    const uint count = min(STEP, params.length - first);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (params.dimensions % 4 == 0) {
      sides.score<float4>(first, count, t, rows, exponents);
    } else {
      sides.score<float>(first, count, t, rows, exponents);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint lane = t % 32;
    const float low = lane < count ? exponents[lane] : -INFINITY;
    const float high = lane + 32 < count ? exponents[lane + 32] : -INFINITY;
    const float largest = max(greatest, simd_max(max(low, high)));
    const bool none = largest == -INFINITY;
    const float2 powers = none ? float2(0) : exp(float2(low, high) - largest);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t < 64) exponents[t] = t < 32 ? powers.x : powers.y;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const float shrink = none ? 0 : exp(greatest - largest);
    greatest = largest;
    total = total * shrink + simd_sum(powers.x + powers.y);
    UNROLL for (uint part = 0; part < 4; part++) {
      const uint d = t % width + part * 256;
      if (d >= value_dimensions) continue;
      float sum = sums[part] * shrink;
      for (uint i = t / width; i < count; i += 4 * lanes) {
        float four[4];
        UNROLL for (uint j = 0; j < 4; j++) {
          four[j] = values[(first_key + rows[min(i + j * lanes, count - 1)]) * value_dimensions + d];
        }
        UNROLL for (uint j = 0; j < 4; j++) {
          if (i + j * lanes < count) sum += exponents[i + j * lanes] * four[j];
        }
      }
      sums[part] = sum;
    }
  }
  UNROLL for (uint part = 0; part < 4; part++) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    partial[t] = sums[part];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint d = t + part * 256;
    if (t >= width || d >= value_dimensions) continue;
    float sum = 0;
    for (uint lane = 0; lane < lanes; lane++) sum += partial[lane * width + t];
    attended[query * value_dimensions + d] = total > 0 ? sum / total : 0;
  }
}
