// Integer functions, and packing of small numbers into integers.
#pragma once
#pragma clang system_header
#include "math.hpp"

namespace metal {

#define MSL_BITS(name, expression)                                                      \
  template <class T>                                                                    \
  MSL_INLINE T name(T v) {                                                              \
    if constexpr (detail::width<T> == 1) {                                              \
      [[maybe_unused]] constexpr int bits = 8 * sizeof(T);                              \
      std::make_unsigned_t<T> x = v;                                                    \
      return (T)(expression);                                                           \
    } else {                                                                            \
      T r;                                                                              \
      for (int i = 0; i < detail::width<T>; i++) r[i] = name((detail::element<T>)v[i]); \
      return r;                                                                         \
    }                                                                                   \
  }
MSL_BITS(popcount, __builtin_popcountll(x))
MSL_BITS(clz, x ? __builtin_clzll((unsigned long long)x) - (64 - bits) : bits)
MSL_BITS(ctz, x ? __builtin_ctzll((unsigned long long)x) : bits)

template <class T>
MSL_INLINE T reverse_bits(T x) {
  constexpr uint bits = 8 * sizeof(T);
  T r = 0;
  for (uint i = 0; i < bits; i++) r |= ((x >> i) & 1) << (bits - 1 - i);
  return r;
}
template <class T>
MSL_INLINE T extract_bits(T x, uint offset, uint bits) {
  if (bits == 0) return 0;
  constexpr uint all = 8 * sizeof(T);
  return (T)((T)((std::make_unsigned_t<T>)x << (all - bits - offset)) >> (all - bits));
}
template <class T>
MSL_INLINE T insert_bits(T base, T inserted, uint offset, uint bits) {
  T mask = (T)((((T)1 << bits) - 1) << offset);
  return (base & ~mask) | ((inserted << offset) & mask);
}
template <class T>
MSL_INLINE T mulhi(T a, T b) {
  if constexpr (sizeof(T) == 8)
    return (T)(((__int128)a * b) >> 64);
  else
    return (T)(((long)a * (long)b) >> (8 * sizeof(T)));
}
template <>
MSL_INLINE ulong mulhi(ulong a, ulong b) {
  return (ulong)(((unsigned __int128)a * b) >> 64);
}
template <class T>
MSL_INLINE T rotate(T v, T n) {
  constexpr uint bits = 8 * sizeof(T);
  n &= bits - 1;
  return n ? (T)((v << n) | (v >> (bits - n))) : v;
}

MSL_INLINE float4 unpack_unorm4x8_to_float(uint x) {
  return float4{(float)(x & 255), (float)(x >> 8 & 255), (float)(x >> 16 & 255), (float)(x >> 24)} / 255.0f;
}
MSL_INLINE float4 unpack_snorm4x8_to_float(uint x) {
  return max(detail::make<float4>(as_type<char4>(x)) / 127.0f, -1.0f);
}
MSL_INLINE uint pack_float_to_unorm4x8(float4 v) {
  uint r = 0;
  for (int i = 0; i < 4; i++) r |= (uint)__builtin_rintf(clamp(v[i], 0.0f, 1.0f) * 255.0f) << (8 * i);
  return r;
}

}  // namespace metal
