// Matrix product in tiles on simdgroup matrices, with function constants: a kernel that the emulator is tested with.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;

constant bool has_bias [[function_constant(0)]];
constant bool opt_gelu [[function_constant(1)]];
constant bool do_gelu = is_function_constant_defined(opt_gelu) ? opt_gelu : false;

struct GemmParams {
  uint M, N, K;
  uint lda, ldb, ldc;
};

inline float gelu(float x) { return 0.5 * x * (1.0 + tanh(0.7978845608 * (x + 0.044715 * x * x * x))); }

// C[M,N] = A[M,K] * B[N,K]^T (+ bias), half in, float accumulation. BM x BN a threadgroup, WM x WN simdgroups.
template <typename T, int BM, int BN, int BK, int WM, int WN>
[[kernel]] void gemm_nt(device const T* A [[buffer(0)]], device const T* B [[buffer(1)]], device T* C [[buffer(2)]],
                        constant GemmParams& p [[buffer(3)]], device const T* bias [[buffer(4)]],
                        uint3 tgid [[threadgroup_position_in_grid]], uint tid [[thread_index_in_threadgroup]],
                        uint sgid [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  constexpr int NT = WM * WN * 32;
  constexpr int LD = BK + 8;
  constexpr int TM = BM / (8 * WM), TN = BN / (8 * WN);
  threadgroup T As[BM * LD];
  threadgroup T Bs[BN * LD];
  threadgroup float Cs[BM * BN];
  using T4 = vec<T, 4>;

  const uint row0 = tgid.y * BM, col0 = tgid.x * BN;
  const uint wm = (sgid / WN) * (BM / WM), wn = (sgid % WN) * (BN / WN);
  simdgroup_matrix<float, 8, 8> acc[TM][TN];
  for (int i = 0; i < TM; i++)
    for (int j = 0; j < TN; j++) acc[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);

  for (uint k0 = 0; k0 < p.K; k0 += BK) {
    for (uint e = tid * 4; e < BM * BK; e += NT * 4) {
      const uint r = e / BK, c = e % BK;
      T4 v = T4(0);
      if (row0 + r < p.M && k0 + c + 3 < p.K)
        v = *(device const T4*)(A + (row0 + r) * p.lda + k0 + c);
      else if (row0 + r < p.M)
        for (uint q = 0; q < 4; q++)
          if (k0 + c + q < p.K) v[q] = A[(row0 + r) * p.lda + k0 + c + q];
      *(threadgroup T4*)(As + r * LD + c) = v;
    }
    for (uint e = tid * 4; e < BN * BK; e += NT * 4) {
      const uint r = e / BK, c = e % BK;
      T4 v = T4(0);
      if (col0 + r < p.N && k0 + c + 3 < p.K)
        v = *(device const T4*)(B + (col0 + r) * p.ldb + k0 + c);
      else if (col0 + r < p.N)
        for (uint q = 0; q < 4; q++)
          if (k0 + c + q < p.K) v[q] = B[(col0 + r) * p.ldb + k0 + c + q];
      *(threadgroup T4*)(Bs + r * LD + c) = v;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
#pragma clang loop unroll(full)
    for (int kk = 0; kk < BK; kk += 8) {
      simdgroup_matrix<T, 8, 8> a[TM], b[TN];
      for (int i = 0; i < TM; i++) simdgroup_load(a[i], As + (wm + i * 8) * LD + kk, LD);
      for (int j = 0; j < TN; j++) simdgroup_load(b[j], Bs + (wn + j * 8) * LD + kk, LD, ulong2(0, 0), true);
      for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++) simdgroup_multiply_accumulate(acc[i][j], a[i], b[j], acc[i][j]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  for (int i = 0; i < TM; i++)
    for (int j = 0; j < TN; j++) simdgroup_store(acc[i][j], Cs + (wm + i * 8) * BN + wn + j * 8, BN);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint e = tid; e < BM * BN; e += NT) {
    const uint r = row0 + e / BN, c = col0 + e % BN;
    if (r < p.M && c < p.N) {
      float v = Cs[e];
      if (has_bias) v += float(bias[c]);
      if (do_gelu) v = gelu(v);
      C[r * p.ldc + c] = T(v);
    }
  }
}

#define INST(name, T, BM, BN, BK, WM, WN) \
  template [[host_name(name)]] [[kernel]] decltype(gemm_nt<T, BM, BN, BK, WM, WN>) gemm_nt<T, BM, BN, BK, WM, WN>;
INST("gemm_nt_f16_32x32x16", half, 32, 32, 16, 2, 2)
INST("gemm_nt_f16_64x32x32", half, 64, 32, 32, 2, 2)
INST("gemm_nt_f32_32x32x16", float, 32, 32, 16, 2, 2)
INST("gemm_nt_bf16_32x32x16", bfloat, 32, 32, 16, 2, 2)
