// 8 x 8 matrices spread over a SIMD-group, two elements in a lane.
#pragma once
#pragma clang system_header
#include "simdgroups.hpp"

namespace metal {

template <class T, int R, int C>
struct simdgroup_matrix {
  static_assert(R == 8 && C == 8, "only 8x8");
  typedef T mat_elem_type;
  vec<T, 2> elements;

  simdgroup_matrix() { __builtin_memset(&elements, 0xff, sizeof elements); }  // undefined on the device: NaN here
  explicit simdgroup_matrix(T diagonal) {
    const int r = software_metal::matrix_row(detail::lane()), c = software_metal::matrix_column(detail::lane());
    elements = vec<T, 2>{r == c ? diagonal : (T)0, r == c + 1 ? diagonal : (T)0};
  }
  thread vec<T, 2>& thread_elements() { return elements; }
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;
typedef simdgroup_matrix<half, 8, 8> simdgroup_half8x8;
typedef simdgroup_matrix<bfloat, 8, 8> simdgroup_bfloat8x8;

template <class T, int R, int C = R>
MSL_INLINE simdgroup_matrix<T, R, C> make_filled_simdgroup_matrix(T value) {
  simdgroup_matrix<T, R, C> m;
  m.elements = (vec<T, 2>)value;
  return m;
}

namespace detail {

template <class T>
struct WithoutSpace {
  using type = T;
};
#ifdef SOFTWARE_METAL_ADDRESS_SPACES
template <class T>
struct WithoutSpace<device T> {
  using type = T;
};
template <class T>
struct WithoutSpace<threadgroup T> {
  using type = T;
};
#endif
template <class P>
using pointee = typename WithoutSpace<std::remove_cv_t<P>>::type;

MSL_INLINE uint64_t offset_of(int r, int c, ulong row_elements, ulong2 origin, bool is_transposed) {
  if (is_transposed) return (origin.y + c) * row_elements + origin.x + r;
  return (origin.y + r) * row_elements + origin.x + c;
}
}  // namespace detail

template <class T, class P>
MSL_INLINE void simdgroup_load(simdgroup_matrix<T, 8, 8>& m, P* from, ulong row_elements = 8, ulong2 origin = {0, 0},
                               bool is_transposed = false) {
  static_assert(std::is_same<T, detail::pointee<P>>::value, "simdgroup_load: the matrix has another element type");
  const int r = software_metal::matrix_row(detail::lane()), c = software_metal::matrix_column(detail::lane());
  m.elements[0] = from[detail::offset_of(r, c, row_elements, origin, is_transposed)];
  m.elements[1] = from[detail::offset_of(r, c + 1, row_elements, origin, is_transposed)];
}

template <class T, class P>
MSL_INLINE void simdgroup_store(simdgroup_matrix<T, 8, 8> m, P* to, ulong row_elements = 8, ulong2 origin = {0, 0},
                                bool is_transposed = false) {
  static_assert(std::is_same<T, detail::pointee<P>>::value, "simdgroup_store: the matrix has another element type");
  const int r = software_metal::matrix_row(detail::lane()), c = software_metal::matrix_column(detail::lane());
  to[detail::offset_of(r, c, row_elements, origin, is_transposed)] = m.elements[0];
  to[detail::offset_of(r, c + 1, row_elements, origin, is_transposed)] = m.elements[1];
}

namespace detail {

template <class A, class B>
struct Factors {
  vec<A, 2> a;
  vec<B, 2> b;
  float2 c;
};

template <class A, class B>
MSL_UNCHECKED void multiply_accumulate(Group& group) {
  float a[8][8], b[8][8], d[8][8];
  for (int i = 0; i < 32; i++) {
    auto& in = *(const Factors<A, B>*)group.in[i];
    const int r = software_metal::matrix_row(i), c = software_metal::matrix_column(i);
    for (int k = 0; k < 2; k++) {
      a[r][c + k] = (float)in.a[k];
      b[r][c + k] = (float)in.b[k];
      d[r][c + k] = in.c[k];
    }
  }
  for (int i = 0; i < 8; i++)
    for (int k = 0; k < 8; k++)
      for (int j = 0; j < 8; j++) d[i][j] += a[i][k] * b[k][j];
  for (int i = 0; i < 32; i++) {
    const int r = software_metal::matrix_row(i), c = software_metal::matrix_column(i);
    *(float2*)group.out[i] = float2{d[r][c], d[r][c + 1]};
  }
}

}  // namespace detail

template <class D, class A, class B, class C>
MSL_INLINE void simdgroup_multiply_accumulate(simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8> a,
                                              simdgroup_matrix<B, 8, 8> b, simdgroup_matrix<C, 8, 8> c, MSL_SITE) {
  detail::Factors<A, B> in{a.elements, b.elements, float2{(float)c.elements[0], (float)c.elements[1]}};
  float2 out;
  software_metal::meet(&detail::multiply_accumulate<A, B>, &in, &out, site, true);
  d.elements = vec<D, 2>{(D)out[0], (D)out[1]};
}
template <class D, class A, class B>
MSL_INLINE void simdgroup_multiply(simdgroup_matrix<D, 8, 8>& d, simdgroup_matrix<A, 8, 8> a,
                                   simdgroup_matrix<B, 8, 8> b, MSL_SITE) {
  simdgroup_multiply_accumulate(d, a, b, make_filled_simdgroup_matrix<D, 8, 8>((D)0), site);
}
template <class T>
MSL_INLINE simdgroup_matrix<T, 8, 8> operator*(simdgroup_matrix<T, 8, 8> a, simdgroup_matrix<T, 8, 8> b) {
  simdgroup_matrix<T, 8, 8> d;
  simdgroup_multiply(d, a, b, {0, 1});
  return d;
}

}  // namespace metal
