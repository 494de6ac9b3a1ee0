// Product of 4-bit weights and a vector, and packed vectors: kernels that the emulator is tested with.
#include <metal_stdlib>
using namespace metal;

#define GROUP 32
struct Q4Params {
  uint rows, cols;
};

// y[row] = sum_k (q[row,k] - 8) * scale[row, k / 32] * x[k]; q packed 8 to a uint, low nibble first. Each simdgroup
// does ROWS rows.
template <typename T, int ROWS, int NSG>
[[kernel]] void gemv_q4(device const uint* W [[buffer(0)]], device const T* scales [[buffer(1)]],
                        device const T* x [[buffer(2)]], device T* y [[buffer(3)]], constant Q4Params& p [[buffer(4)]],
                        uint tg [[threadgroup_position_in_grid]], ushort sg [[simdgroup_index_in_threadgroup]],
                        ushort lane [[thread_index_in_simdgroup]]) {
  const uint row0 = (tg * NSG + sg) * ROWS;
  float acc[ROWS] = {0};
  const uint words = p.cols / 8;
  for (uint w = lane; w < words; w += 32) {
    const vec<T, 4> h0 = *(device const vec<T, 4>*)(x + w * 8), h1 = *(device const vec<T, 4>*)(x + w * 8 + 4);
    const float4 x0 = float4(h0), x1 = float4(h1);
    for (int r = 0; r < ROWS; r++) {
      if (row0 + r >= p.rows) break;
      const uint q = W[(row0 + r) * words + w];
      const uchar4 b = as_type<uchar4>(q);
      const float4 lo = float4(b & uchar4(15)) - 8.0, hi = float4(b >> uchar4(4)) - 8.0;
      const float d = dot(float4(lo.x, hi.x, lo.y, hi.y), x0) + dot(float4(lo.z, hi.z, lo.w, hi.w), x1);
      acc[r] = fma(d, float(scales[(row0 + r) * (p.cols / GROUP) + w * 8 / GROUP]), acc[r]);
    }
  }
  for (int r = 0; r < ROWS; r++) {
    const float s = simd_sum(acc[r]);
    if (lane == 0 && row0 + r < p.rows) y[row0 + r] = T(s);
  }
}
template [[host_name("gemv_q4_f16")]] [[kernel]] decltype(gemv_q4<half, 4, 2>) gemv_q4<half, 4, 2>;

kernel void add_f32(device const packed_float3* a [[buffer(0)]], device const float* b [[buffer(1)]],
                    device float* o [[buffer(2)]], uint i [[thread_position_in_grid]]) {
  float3 v = a[i];
  o[i] = v.x + v.y * v.z + b[i];
}
