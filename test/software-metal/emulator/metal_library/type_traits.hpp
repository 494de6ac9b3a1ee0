// MSL's type traits, numeric_limits and as_type.
#pragma once
#pragma clang system_header
#include "vectors.hpp"

namespace metal {

using std::conditional_t;
using std::enable_if;
using std::enable_if_t;
using std::false_type;
using std::integral_constant;
using std::is_same;
using std::make_unsigned_t;
using std::true_type;

template <class A, class B>
constexpr bool is_same_v = std::is_same<A, B>::value;
template <class A, class B>
constexpr bool is_convertible_v = std::is_convertible<A, B>::value;
template <class T>
constexpr bool is_integral_v = std::is_integral<T>::value;
template <class T>
constexpr bool is_floating_point_v =
    std::is_floating_point<T>::value || std::is_same<T, half>::value || std::is_same<T, bfloat>::value;

template <class To, class From>
MSL_INLINE To as_type(From from) {
  static_assert(sizeof(To) == sizeof(From), "as_type: sizes differ");
  return __builtin_bit_cast(To, from);
}

template <class T>
struct numeric_limits {
  static constexpr T max() {
    if constexpr (std::is_same<T, half>::value)
      return (T)65504.0f;
    else if constexpr (std::is_same<T, float>::value)
      return (T)3.402823466e+38f;
    else if constexpr (std::is_same<T, bfloat>::value)
      return (T)3.3895e+38f;
    else if constexpr (std::is_signed<T>::value)
      return (T)(((1ul << (8 * sizeof(T) - 2)) - 1) * 2 + 1);
    else
      return (T)~0ul;
  }
  static constexpr T lowest() {
    if constexpr (!std::is_integral<T>::value)
      return (T)-max();
    else
      return std::is_signed<T>::value ? (T)(-max() - 1) : (T)0;
  }
  static constexpr T infinity() { return (T)__builtin_inff(); }
  static constexpr T quiet_NaN() { return (T)__builtin_nanf(""); }
};

}  // namespace metal
