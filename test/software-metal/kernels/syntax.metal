// The ways to write a kernel that the pre-pass has to understand: x reversed in each SIMD-group, plus a table, plus a
// bias.
#include <metal_stdlib>
using namespace metal;

constant bool has_bias [[function_constant(0)]];
constant uint factor [[function_constant(1)]];
constant bool is_biased = is_function_constant_defined(has_bias) ? has_bias : false;
constant uint twice = is_function_constant_defined(factor) ? factor * 2 : 0;
constant float table[4] = {.25, 0.5f, 1e3, 2};
constexpr constant uint WIDTH = 0x20;

namespace shapes {

struct Place {
  uint values[2];
  float first(device const float* p) const thread { return p[values[0]]; }
  float first(device const float* p) const device { return p[values[0]]; }
};

template <typename T>
T mirror(threadgroup const T* from, uint lane) {
  return from[WIDTH - 1 - lane];
}

template <typename T, typename V = vec<T, 4>>
[[kernel]] void mirrored(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                         device const float* bias [[buffer(2), function_constant(is_biased)]],
                         uint i [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]])
    [[max_total_threads_per_threadgroup(32)]] {
  threadgroup float shared[WIDTH], unused[2];
  const Place place = {{i, 1}};
  shared[lane] = place.first(x);
  if (lane < place.values[place.values[1]]) [[likely]]
    unused[lane] = 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float4 four = (float4)mirror(shared, lane);
  four += metal::float4(table[i % 4], float3(1.0h));
  V v = V(four);
  if (is_biased) v.x += T(bias[0] * twice);
  y[i] = float(v.x);
}

typedef decltype(mirrored<half>) mirrored_t;
template [[host_name("mirrored_f16")]] [[kernel]] mirrored_t mirrored<half>;

}  // namespace shapes

template
    [[host_name("mirrored_"
                "f32")]] [[kernel]] decltype(shapes::mirrored<float>) shapes::mirrored<float>;

kernel void plain_f32(device const float* x [[buffer(0)]], device float* y [[buffer(1)]],
                      device const float* bias [[buffer(2), function_constant(is_biased)]],
                      uint3 position [[thread_position_in_grid]], ushort lane [[thread_index_in_simdgroup]]) {
  const float mirrored = simd_shuffle_xor(x[position.x], 31);
  y[position.x] = mirrored + table[lane % 4] + (is_biased ? bias[0] * twice : 0);
}
