// Vector types and their constructors.
#pragma once
#pragma clang system_header
#include "words.hpp"

namespace metal {

using ::half;
template <class T, int N>
using vec = T __attribute__((ext_vector_type(N)));

namespace detail {

template <class T>
struct Shape {
  static constexpr int width = 1;
  using Element = T;
};
template <class T, int N>
struct Shape<vec<T, N>> {
  static constexpr int width = N;
  using Element = T;
};
template <class T>
using element = typename Shape<std::remove_cv_t<std::remove_reference_t<T>>>::Element;
template <class T>
constexpr int width = Shape<std::remove_cv_t<std::remove_reference_t<T>>>::width;

/** Of three elements and no more bytes than they have; other packed vectors are vectors of lesser alignment. */
template <class T>
struct PackedThree {
  union {
    T elements[3];
    struct {
      T x, y, z;
    };
  };
  PackedThree() = default;
  PackedThree(vec<T, 3> v) : elements{v[0], v[1], v[2]} {}
  operator vec<T, 3>() const { return vec<T, 3>{elements[0], elements[1], elements[2]}; }
  T& operator[](int i) { return elements[i]; }
  T operator[](int i) const { return elements[i]; }
};
template <class T, int N>
struct Packed {
  typedef T type __attribute__((ext_vector_type(N), aligned(sizeof(T))));
};
// clang's C++ has no member functions for objects in an address space; a syntax check does not mind the wrong size.
#ifndef SOFTWARE_METAL_ADDRESS_SPACES
template <class T>
struct Packed<T, 3> {
  using type = PackedThree<T>;
};
#endif

template <class V, class A>
MSL_INLINE void append(V& v, int& i, A a) {
  if constexpr (width<A> == 1)
    v[i++] = (element<V>)a;
  else
    for (int k = 0; k < width<A>; k++) v[i++] = (element<V>)a[k];
}

template <class T, class A>
MSL_INLINE T make_of_one(A a) {
  if constexpr (width<T> == 1)
    return T(a);
  else if constexpr (std::is_convertible<A, T>::value && width<A> == 1 && !std::is_arithmetic<A>::value)
    return T(a);
  else if constexpr (width<A> == 1)
    return (T)(element<T>)a;
  else {
    static_assert(width<A> == width<T>, "vector constructor: wrong number of elements");
    return __builtin_convertvector(a, T);
  }
}

/** What the pre-pass writes for T(arguments...): a vector's constructor, or for another type the plain expression. */
template <class T, class... A>
MSL_INLINE T make(A... a) {
  if constexpr (sizeof...(A) == 0)
    return T{};
  else if constexpr (sizeof...(A) == 1)
    return make_of_one<T>(a...);
  else if constexpr (width<T> == 1)
    return T(a...);
  else {
    static_assert((width<A> + ...) == width<T>, "vector constructor: wrong number of elements");
    T v{};
    int i = 0;
    (append(v, i, a), ...);
    return v;
  }
}

/** For (T)x: Cast<T>{} ->* x has the precedence of a cast where it matters. */
template <class T>
struct Cast {
  template <class A>
  MSL_INLINE T operator->*(A a) const {
    return make<T>(a);
  }
};

}  // namespace detail
}  // namespace metal

#define MSL_VECTORS(T)                                     \
  typedef T T##2 __attribute__((ext_vector_type(2)));      \
  typedef T T##3 __attribute__((ext_vector_type(3)));      \
  typedef T T##4 __attribute__((ext_vector_type(4)));      \
  typedef metal::detail::Packed<T, 2>::type packed_##T##2; \
  typedef metal::detail::Packed<T, 3>::type packed_##T##3; \
  typedef metal::detail::Packed<T, 4>::type packed_##T##4;
MSL_VECTORS(char)
MSL_VECTORS(uchar)
MSL_VECTORS(short)
MSL_VECTORS(ushort)
MSL_VECTORS(int)
MSL_VECTORS(uint)
MSL_VECTORS(long)
MSL_VECTORS(ulong)
MSL_VECTORS(half)
MSL_VECTORS(bfloat)
MSL_VECTORS(float)
typedef bool bool2 __attribute__((ext_vector_type(2)));
typedef bool bool3 __attribute__((ext_vector_type(3)));
typedef bool bool4 __attribute__((ext_vector_type(4)));
