// Common, mathematical, relational and geometric functions: in float, rounded once for half and bfloat; vectors element
// by element.
#pragma once
#pragma clang system_header
#include "type_traits.hpp"

namespace metal {

#define MSL_UNARY(name, expression)                                                                            \
  namespace detail {                                                                                           \
  MSL_INLINE float float_##name(float x) { return expression; }                                                \
  }                                                                                                            \
  template <class T, class = std::enable_if_t<(detail::width<T> > 1) || is_floating_point_v<T>>>               \
  MSL_INLINE T name(T x) {                                                                                     \
    if constexpr (detail::width<T> == 1) {                                                                     \
      return (T)detail::float_##name((float)x);                                                                \
    } else {                                                                                                   \
      T r;                                                                                                     \
      for (int i = 0; i < detail::width<T>; i++) r[i] = (detail::element<T>)detail::float_##name((float)x[i]); \
      return r;                                                                                                \
    }                                                                                                          \
  }
#define MSL_UNARY_FUNCTIONS(X)              \
  X(exp, __builtin_expf(x))                 \
  X(exp2, __builtin_exp2f(x))               \
  X(exp10, __builtin_powf(10.0f, x))        \
  X(log, __builtin_logf(x))                 \
  X(log2, __builtin_log2f(x))               \
  X(log10, __builtin_log10f(x))             \
  X(sqrt, __builtin_sqrtf(x))               \
  X(rsqrt, 1.0f / __builtin_sqrtf(x))       \
  X(sin, __builtin_sinf(x))                 \
  X(cos, __builtin_cosf(x))                 \
  X(tan, __builtin_tanf(x))                 \
  X(sinh, __builtin_sinhf(x))               \
  X(cosh, __builtin_coshf(x))               \
  X(tanh, __builtin_tanhf(x))               \
  X(asin, __builtin_asinf(x))               \
  X(acos, __builtin_acosf(x))               \
  X(atan, __builtin_atanf(x))               \
  X(floor, __builtin_floorf(x))             \
  X(ceil, __builtin_ceilf(x))               \
  X(round, __builtin_roundf(x))             \
  X(rint, __builtin_rintf(x))               \
  X(trunc, __builtin_truncf(x))             \
  X(fabs, __builtin_fabsf(x))               \
  X(fract, x - __builtin_floorf(x))         \
  X(sign, x > 0 ? 1.0f : x < 0 ? -1.0f : x) \
  X(saturate, __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f))
MSL_UNARY_FUNCTIONS(MSL_UNARY)

#define MSL_USING(name, expression) using metal::name;
namespace fast {
MSL_UNARY_FUNCTIONS(MSL_USING)
}
namespace precise {
MSL_UNARY_FUNCTIONS(MSL_USING)
}

namespace detail {
template <class E>
MSL_INLINE E larger(E x, E y) {
  if constexpr (std::is_integral<E>::value)
    return x > y ? x : y;
  else
    return (E)__builtin_fmaxf((float)x, (float)y);
}
template <class E>
MSL_INLINE E smaller(E x, E y) {
  if constexpr (std::is_integral<E>::value)
    return x < y ? x : y;
  else
    return (E)__builtin_fminf((float)x, (float)y);
}
}  // namespace detail

#define MSL_BINARY(name, expression)                                                                           \
  namespace detail {                                                                                           \
  template <class E>                                                                                           \
  MSL_INLINE E scalar_##name(E x, E y) {                                                                       \
    return expression;                                                                                         \
  }                                                                                                            \
  }                                                                                                            \
  template <class A, class B>                                                                                  \
  MSL_INLINE auto name(A a, B b) {                                                                             \
    if constexpr (detail::width<A> == 1 && detail::width<B> == 1) {                                            \
      using E = std::conditional_t<std::is_same<A, B>::value, A, decltype(a + b)>;                             \
      return (E)detail::scalar_##name<E>((E)a, (E)b);                                                          \
    } else {                                                                                                   \
      using V = std::conditional_t<(detail::width<A> > 1), A, B>;                                              \
      V r, x = detail::make<V>(a), y = detail::make<V>(b);                                                     \
      for (int i = 0; i < detail::width<V>; i++) r[i] = detail::scalar_##name<detail::element<V>>(x[i], y[i]); \
      return r;                                                                                                \
    }                                                                                                          \
  }
MSL_BINARY(fmax, larger<E>(x, y))
MSL_BINARY(fmin, smaller<E>(x, y))
MSL_BINARY(pow, (E)__builtin_powf((float)x, (float)y))
MSL_BINARY(powr, (E)__builtin_powf((float)x, (float)y))
MSL_BINARY(fmod, (E)__builtin_fmodf((float)x, (float)y))
MSL_BINARY(atan2, (E)__builtin_atan2f((float)x, (float)y))
MSL_BINARY(copysign, (E)__builtin_copysignf((float)x, (float)y))
MSL_BINARY(step, y < x ? (E)0 : (E)1)

namespace detail {
/** Overloads for each type, and conversions among all: with two scalar types no overload is the best. */
template <class A, class B>
constexpr bool are_ambiguous = width<A> == 1 && width<B> == 1 && !std::is_same<A, B>::value;
}  // namespace detail
template <class A, class B>
MSL_INLINE auto max(A a, B b) {
  static_assert(!detail::are_ambiguous<A, B>, "max is ambiguous: its arguments have different types");
  return fmax(a, b);
}
template <class A, class B>
MSL_INLINE auto min(A a, B b) {
  static_assert(!detail::are_ambiguous<A, B>, "min is ambiguous: its arguments have different types");
  return fmin(a, b);
}

template <class T, class R>
MSL_INLINE T sincos(T x, R& cosine) {
  cosine = cos(x);
  return sin(x);
}
template <class T>
MSL_INLINE T max3(T a, T b, T c) {
  return max(max(a, b), c);
}
template <class T>
MSL_INLINE T min3(T a, T b, T c) {
  return min(min(a, b), c);
}
template <class A, class B, class C>
MSL_INLINE auto clamp(A x, B low, C high) {
  static_assert(!detail::are_ambiguous<A, B> && !detail::are_ambiguous<A, C>,
                "clamp is ambiguous: its arguments have different types");
  return min(max(x, low), high);
}
template <class T>
MSL_INLINE T mix(T a, T b, T t) {
  return a + (b - a) * t;
}
template <class T, class = std::enable_if_t<(detail::width<T> > 1)>>
MSL_INLINE T mix(T a, T b, detail::element<T> t) {
  return a + (b - a) * t;
}
template <class T>
MSL_INLINE T smoothstep(T a, T b, T x) {
  T t = clamp((x - a) / (b - a), (T)0, (T)1);
  return t * t * ((T)3 - (T)2 * t);
}
template <class T>
MSL_INLINE T abs(T x) {
  if constexpr (detail::width<T> == 1) {
    return x < (T)0 ? (T)-x : x;
  } else {
    T r;
    for (int i = 0; i < detail::width<T>; i++) r[i] = x[i] < 0 ? -x[i] : x[i];
    return r;
  }
}
template <class T>
MSL_INLINE T fma(T a, T b, T c) {
  if constexpr (detail::width<T> == 1) {
    return (T)__builtin_fmaf((float)a, (float)b, (float)c);
  } else {
    T r;
    for (int i = 0; i < detail::width<T>; i++) r[i] = fma(a[i], b[i], c[i]);
    return r;
  }
}

#define MSL_RELATION(name, expression)                                                  \
  template <class T>                                                                    \
  MSL_INLINE auto name(T x) {                                                           \
    if constexpr (detail::width<T> == 1) {                                              \
      float f = (float)x;                                                               \
      return (bool)(expression);                                                        \
    } else {                                                                            \
      vec<bool, detail::width<T>> r;                                                    \
      for (int i = 0; i < detail::width<T>; i++) r[i] = name((detail::element<T>)x[i]); \
      return r;                                                                         \
    }                                                                                   \
  }
MSL_RELATION(isnan, __builtin_isnan(f))
MSL_RELATION(isinf, __builtin_isinf(f))
MSL_RELATION(isfinite, __builtin_isfinite(f))
MSL_RELATION(signbit, __builtin_signbit(f))

template <class T>
MSL_INLINE bool any(T v) {
  if constexpr (detail::width<T> == 1) {
    return v;
  } else {
    bool r = false;
    for (int i = 0; i < detail::width<T>; i++) r |= v[i] != 0;
    return r;
  }
}
template <class T>
MSL_INLINE bool all(T v) {
  if constexpr (detail::width<T> == 1) {
    return v;
  } else {
    bool r = true;
    for (int i = 0; i < detail::width<T>; i++) r &= v[i] != 0;
    return r;
  }
}
template <class T, class C>
MSL_INLINE T select(T a, T b, C c) {
  if constexpr (detail::width<T> == 1) {
    return c ? b : a;
  } else {
    T r;
    for (int i = 0; i < detail::width<T>; i++) r[i] = c[i] ? b[i] : a[i];
    return r;
  }
}

template <class T, int N>
MSL_INLINE T dot(vec<T, N> a, vec<T, N> b) {
  T sum = a[0] * b[0];
  for (int i = 1; i < N; i++) sum += a[i] * b[i];
  return sum;
}
template <class T, int N>
MSL_INLINE T length_squared(vec<T, N> a) {
  return dot(a, a);
}
template <class T, int N>
MSL_INLINE T length(vec<T, N> a) {
  return sqrt(dot(a, a));
}
template <class T, int N>
MSL_INLINE T distance(vec<T, N> a, vec<T, N> b) {
  return length(a - b);
}
template <class T, int N>
MSL_INLINE vec<T, N> normalize(vec<T, N> a) {
  return a * rsqrt(dot(a, a));
}

}  // namespace metal
