// Library functions, one after another: row k of `whole` and of `real` is what function k gives the 32 lanes.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;

struct Rows {
  device uint* whole;
  device float* real;
  uint lane, wholes, reals;

  void put(uint value) thread { whole[wholes++ * 32 + lane] = value; }
  void put(float value) thread { real[reals++ * 32 + lane] = value; }
};

kernel void whole_functions(device const uint* x [[buffer(0)]], device const float* f [[buffer(1)]],
                            device uint* whole [[buffer(2)]], device float* real [[buffer(3)]],
                            uint lane [[thread_index_in_simdgroup]]) {
  Rows rows = {whole, real, lane, 0, 0};
  const uint v = x[lane];
  rows.put(popcount(v));
  rows.put(clz(v >> (lane % 32)));
  rows.put(ctz(v << (lane % 32)));
  rows.put(reverse_bits(v));
  rows.put(extract_bits(v, 5, 11));
  rows.put(uint(extract_bits(int(v), 5, 11)));
  rows.put(insert_bits(v, lane, 7, 6));
  rows.put(mulhi(v, 2654435761u));
  rows.put(rotate(v, lane));
  rows.put(uint(ushort4(ushort(1), 2, 3, 4)[lane % 4]));
  rows.put(uint(as_type<uchar4>(v).z));
  rows.put(select(v, lane, lane % 3 == 0));
  rows.put(uint(clamp(int(v), -5, 7)));
  rows.put(pack_float_to_unorm4x8(float4(f[lane], 0.5, -1, 2)));
}

kernel void real_functions(device const uint* x [[buffer(0)]], device const float* f [[buffer(1)]],
                           device uint* whole [[buffer(2)]], device float* real [[buffer(3)]],
                           uint lane [[thread_index_in_simdgroup]]) {
  Rows rows = {whole, real, lane, 0, 0};
  const float v = f[lane];
  const float4 four = float4(v, float2(v * 2, 1), lane);
  rows.put(exp(v));
  rows.put(log2(1 + v));
  rows.put(rsqrt(1 + v));
  rows.put(tanh(v));
  rows.put(fract(v * 10));
  rows.put(sign(v - 0.5));
  rows.put(mix(v, 3.0f, 0.25f));
  rows.put(smoothstep(0.0f, 1.0f, v));
  rows.put(fma(v, 2.0f, 1.0f));
  rows.put(dot(four, four));
  rows.put(length(four.xy));
  rows.put(normalize(four).w);
  rows.put(float(half(v)));
  rows.put(float(bfloat(v)));
  rows.put((float2x2(1, 2, 3, 4) * four.xw).y);
  rows.put((float2x2(1, 2, 3, 4) * float2x2(float2(v, 1), float2(1)))[0].x);
  rows.put(unpack_unorm4x8_to_float(x[lane]).y);
  rows.put(any(four > 30) ? 1.0f : 0.0f);
  rows.put(float(((half4)four).z));
}

kernel void lane_functions(device const uint* x [[buffer(0)]], device const float* f [[buffer(1)]],
                           device uint* whole [[buffer(2)]], device float* real [[buffer(3)]],
                           uint lane [[thread_index_in_simdgroup]]) {
  Rows rows = {whole, real, lane, 0, 0};
  const uint v = x[lane];
  rows.put(simd_sum(v));
  rows.put(simd_max(v));
  rows.put(simd_min(v));
  rows.put(simd_xor(v));
  rows.put(simd_prefix_inclusive_sum(v));
  rows.put(simd_prefix_exclusive_sum(v));
  rows.put(simd_shuffle(v, (lane * 7) % 32));
  rows.put(simd_broadcast(v, 3));
  rows.put(simd_shuffle_xor(v, 5));
  rows.put(simd_shuffle_up(v, 3));
  rows.put(simd_shuffle_down(v, 3));
  rows.put(simd_shuffle_rotate_up(v, 3));
  rows.put(simd_shuffle_rotate_down(v, 3));
  rows.put(simd_shuffle_and_fill_up(v, 9u, 3));
  rows.put(simd_shuffle_and_fill_down(v, 9u, 3));
  rows.put(quad_sum(v));
  rows.put(quad_shuffle_xor(v, 1));
  rows.put(quad_broadcast(v, 2));
  rows.put(uint(simd_vote::vote_t(simd_ballot(lane % 3 == 0))));
  rows.put(simd_any(lane == 7) ? 1u : 0u);
  rows.put(simd_all(lane < 31) ? 1u : 0u);
  rows.put(lane >= 5 ? simd_broadcast_first(v) : 0u);
}

kernel void matrix_functions(device const uint* x [[buffer(0)]], device const float* f [[buffer(1)]],
                             device uint* whole [[buffer(2)]], device float* real [[buffer(3)]],
                             uint lane [[thread_index_in_simdgroup]]) {
  simdgroup_float8x8 a, b, c;
  simdgroup_load(a, f, 16, ulong2(8, 1));
  simdgroup_load(b, f, 16, ulong2(1, 0), true);
  simdgroup_multiply(c, a, b);
  simdgroup_store(c, real, 8);
  simdgroup_multiply_accumulate(c, b, simdgroup_float8x8(2), c);
  simdgroup_store(c, real + 64, 8, ulong2(0, 0), true);
}
