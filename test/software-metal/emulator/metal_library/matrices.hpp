// matrix<T, columns, rows> of one thread, with the products that MSL has.
#pragma once
#pragma clang system_header
#include "vectors.hpp"

namespace metal {

template <class T, int C, int R>
struct matrix {
  vec<T, R> columns[C];

  matrix() = default;
  explicit matrix(T diagonal) {
    for (int i = 0; i < C; i++)
      for (int j = 0; j < R; j++) columns[i][j] = i == j ? diagonal : (T)0;
  }
  template <class U>
  explicit matrix(const matrix<U, C, R>& m) {
    for (int i = 0; i < C; i++) columns[i] = __builtin_convertvector(m.columns[i], decltype(columns[0] + 0));
  }
  template <class... V, std::enable_if_t<sizeof...(V) == C && (C > 1), int> = 0>
  matrix(V... v) : columns{v...} {}
  template <class... V, std::enable_if_t<sizeof...(V) == C * R, int> = 0>
  matrix(V... v) {
    const T elements[] = {(T)v...};
    for (int i = 0; i < C * R; i++) columns[i / R][i % R] = elements[i];
  }

  MSL_INLINE vec<T, R>& operator[](int i) { return columns[i]; }
  MSL_INLINE const vec<T, R>& operator[](int i) const { return columns[i]; }

  friend vec<T, R> operator*(const matrix& m, vec<T, C> v) {
    vec<T, R> r = m.columns[0] * v[0];
    for (int i = 1; i < C; i++) r += m.columns[i] * v[i];
    return r;
  }
  friend vec<T, C> operator*(vec<T, R> v, const matrix& m) {
    vec<T, C> r;
    for (int i = 0; i < C; i++) {
      T sum = 0;
      for (int j = 0; j < R; j++) sum += v[j] * m.columns[i][j];
      r[i] = sum;
    }
    return r;
  }
  friend matrix operator*(const matrix& m, T s) {
    matrix r;
    for (int i = 0; i < C; i++) r.columns[i] = m.columns[i] * s;
    return r;
  }
  friend matrix operator+(const matrix& a, const matrix& b) {
    matrix r;
    for (int i = 0; i < C; i++) r.columns[i] = a.columns[i] + b.columns[i];
    return r;
  }
};

template <class T, int K, int C, int R>
matrix<T, K, R> operator*(const matrix<T, C, R>& a, const matrix<T, K, C>& b) {
  matrix<T, K, R> product;
  for (int i = 0; i < K; i++) product.columns[i] = a * b.columns[i];
  return product;
}

#define MSL_MATRICES(T)           \
  typedef matrix<T, 2, 2> T##2x2; \
  typedef matrix<T, 2, 3> T##2x3; \
  typedef matrix<T, 2, 4> T##2x4; \
  typedef matrix<T, 3, 2> T##3x2; \
  typedef matrix<T, 3, 3> T##3x3; \
  typedef matrix<T, 3, 4> T##3x4; \
  typedef matrix<T, 4, 2> T##4x2; \
  typedef matrix<T, 4, 3> T##4x3; \
  typedef matrix<T, 4, 4> T##4x4;
MSL_MATRICES(float)
MSL_MATRICES(half)

}  // namespace metal
