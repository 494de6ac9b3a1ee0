// Softmax and flash attention: kernels with barriers and SIMD-group functions that the emulator is tested with.
#include <metal_stdlib>
using namespace metal;

struct AttnParams {
  uint n_kv, n_q, kv_stride, heads_per_kv;
  float scale;
};

// Row softmax: one threadgroup a row, partial maxima and sums through threadgroup memory.
template <typename T>
kernel void softmax(device const T* in [[buffer(0)]], device T* out [[buffer(1)]], constant uint& n [[buffer(2)]],
                    threadgroup float* red [[threadgroup(0)]], uint row [[threadgroup_position_in_grid]],
                    uint tid [[thread_position_in_threadgroup]], uint nt [[threads_per_threadgroup]],
                    ushort lane [[thread_index_in_simdgroup]], ushort sg [[simdgroup_index_in_threadgroup]],
                    ushort nsg [[simdgroups_per_threadgroup]]) {
  in += row * n;
  out += row * n;
  float m = -INFINITY;
  for (uint i = tid; i < n; i += nt) m = max(m, float(in[i]));
  m = simd_max(m);
  if (lane == 0) red[sg] = m;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  m = simd_max(lane < nsg ? red[lane] : -INFINITY);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float s = 0;
  for (uint i = tid; i < n; i += nt) s += fast::exp(float(in[i]) - m);
  s = simd_sum(s);
  if (lane == 0) red[sg] = s;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  s = simd_sum(lane < nsg ? red[lane] : 0.0f);
  const float inv = 1.0 / s;
  for (uint i = tid; i < n; i += nt) out[i] = T(fast::exp(float(in[i]) - m) * inv);
}
template [[host_name("softmax_f16")]] kernel void softmax<half>(
    device const half* in [[buffer(0)]], device half* out [[buffer(1)]], constant uint& n [[buffer(2)]],
    threadgroup float* red [[threadgroup(0)]], uint row [[threadgroup_position_in_grid]],
    uint tid [[thread_position_in_threadgroup]], uint nt [[threads_per_threadgroup]],
    ushort lane [[thread_index_in_simdgroup]], ushort sg [[simdgroup_index_in_threadgroup]],
    ushort nsg [[simdgroups_per_threadgroup]]);
template [[host_name("softmax_f32")]] kernel void softmax<float>(
    device const float* in [[buffer(0)]], device float* out [[buffer(1)]], constant uint& n [[buffer(2)]],
    threadgroup float* red [[threadgroup(0)]], uint row [[threadgroup_position_in_grid]],
    uint tid [[thread_position_in_threadgroup]], uint nt [[threads_per_threadgroup]],
    ushort lane [[thread_index_in_simdgroup]], ushort sg [[simdgroup_index_in_threadgroup]],
    ushort nsg [[simdgroups_per_threadgroup]]);

// Flash attention, one query row and head a threadgroup; NSG simdgroups split the keys, then merge through threadgroup
// memory.
template <typename T, int D, int NSG>
[[kernel]] void flash_decode(device const T* Q [[buffer(0)]], device const T* K [[buffer(1)]],
                             device const T* V [[buffer(2)]], device T* O [[buffer(3)]],
                             constant AttnParams& p [[buffer(4)]], uint2 tg [[threadgroup_position_in_grid]],
                             uint2 ntg [[threadgroups_per_grid]], uint sg [[simdgroup_index_in_threadgroup]],
                             uint lane [[thread_index_in_simdgroup]]) {
  constexpr int E = D / 32;
  threadgroup float so[NSG][D];
  threadgroup float sm[NSG], ss[NSG];
  threadgroup T qs[D];
  const uint head = tg.x, q = tg.y, kvh = head / p.heads_per_kv;
  device const T* qp = Q + (q * ntg.x + head) * D;
  for (uint i = sg * 32 + lane; i < D; i += NSG * 32) qs[i] = T(float(qp[i]) * p.scale);
  threadgroup_barrier(mem_flags::mem_threadgroup);

  const uint limit = p.n_kv - p.n_q + q + 1;  // causal
  float m = -INFINITY, s = 0;
  float o[E];
  for (int i = 0; i < E; i++) o[i] = 0;
  for (uint k0 = sg * 32; k0 < limit; k0 += NSG * 32) {
    const uint key = k0 + lane;
    float score = -INFINITY;
    if (key < limit) {
      device const vec<T, 4>* kp = (device const vec<T, 4>*)(K + kvh * p.kv_stride + key * D);
      float4 a = float4(0);
      for (int i = 0; i < D / 4; i++) a += float4(kp[i]) * float4(*(threadgroup const vec<T, 4>*)(qs + i * 4));
      score = a.x + a.y + a.z + a.w;
    }
    const float nm = max(m, simd_max(score));
    const float corr = fast::exp(m - nm), w = fast::exp(score - nm);
    s = s * corr + simd_sum(w);
    m = nm;
    for (int i = 0; i < E; i++) o[i] *= corr;
    const uint n = min(32u, limit - k0);
    for (uint j = 0; j < n; j++) {
      const float wj = simd_shuffle(w, j);
      device const T* vp = V + kvh * p.kv_stride + (k0 + j) * D + lane * E;
      for (int i = 0; i < E; i++) o[i] = fma(wj, float(vp[i]), o[i]);
    }
  }
  for (int i = 0; i < E; i++) so[sg][lane * E + i] = o[i];
  if (lane == 0) {
    sm[sg] = m;
    ss[sg] = s;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float gm = -INFINITY, gs = 0;
  for (int g = 0; g < NSG; g++) gm = max(gm, sm[g]);
  for (int g = 0; g < NSG; g++) gs += ss[g] * fast::exp(sm[g] - gm);
  for (uint i = sg * 32 + lane; i < D; i += NSG * 32) {
    float r = 0;
    for (int g = 0; g < NSG; g++) r += so[g][i] * fast::exp(sm[g] - gm);
    O[(q * ntg.x + head) * D + i] = T(r / gs);
  }
}
template [[host_name("flash_decode_f16_d64")]] [[kernel]] decltype(flash_decode<half, 64, 4>) flash_decode<half, 64, 4>;
template
    [[host_name("flash_decode_f16_d128")]] [[kernel]] decltype(flash_decode<half, 128, 4>) flash_decode<half, 128, 4>;
