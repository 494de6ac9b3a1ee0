// Atomics of relaxed order: plain C++ ones, of which the checker hears. A syntax check gets declarations only. Fences
// of MSL 3.2: here the cache is coherent anyway.
#pragma once
#pragma clang system_header
#include "simdgroups.hpp"
#include "vectors.hpp"

namespace metal {

enum memory_order { memory_order_relaxed = 0 };
#if __METAL_VERSION__ >= 320
// A type of their own: atomics take none of them.
enum fence_order { memory_order_acquire, memory_order_release, memory_order_acq_rel, memory_order_seq_cst };
MSL_INLINE void atomic_thread_fence(mem_flags, fence_order, thread_scope = thread_scope_device) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
#endif

template <class T>
struct atomic {
  T value;
};
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<bool> atomic_bool;
typedef atomic<ulong> atomic_ulong;
typedef atomic<float> atomic_float;

namespace detail {
template <class T>
struct Same {
  using type = T;
};
}  // namespace detail
#define MSL_OPERAND(T) typename detail::Same<T>::type

#ifdef SOFTWARE_METAL_ADDRESS_SPACES

#define MSL_ATOMIC(space)                                                                                       \
  template <class T>                                                                                            \
  T atomic_load_explicit(const volatile space atomic<T>* p, memory_order);                                      \
  template <class T>                                                                                            \
  void atomic_store_explicit(volatile space atomic<T>* p, MSL_OPERAND(T) x, memory_order);                      \
  template <class T>                                                                                            \
  bool atomic_compare_exchange_weak_explicit(volatile space atomic<T>* p, thread T* expected, MSL_OPERAND(T) x, \
                                             memory_order, memory_order);
MSL_ATOMIC(device)
MSL_ATOMIC(threadgroup)
#define MSL_READ_WRITE(name, expression)                                                    \
  template <class T>                                                                        \
  T atomic_##name##_explicit(volatile device atomic<T>* p, MSL_OPERAND(T) x, memory_order); \
  template <class T>                                                                        \
  T atomic_##name##_explicit(volatile threadgroup atomic<T>* p, MSL_OPERAND(T) x, memory_order);

#else

template <class T>
MSL_UNCHECKED MSL_INLINE T atomic_load_explicit(const volatile atomic<T>* p, memory_order) {
  software_metal::note_atomic(p, sizeof(T));
  T r;
  __atomic_load((T*)&p->value, &r, __ATOMIC_RELAXED);
  return r;
}
template <class T>
MSL_UNCHECKED MSL_INLINE void atomic_store_explicit(volatile atomic<T>* p, MSL_OPERAND(T) x, memory_order) {
  software_metal::note_atomic(p, sizeof(T));
  __atomic_store((T*)&p->value, &x, __ATOMIC_RELAXED);
}
template <class T>
MSL_UNCHECKED MSL_INLINE bool atomic_compare_exchange_weak_explicit(volatile atomic<T>* p, T* expected,
                                                                    MSL_OPERAND(T) x, memory_order, memory_order) {
  software_metal::note_atomic(p, sizeof(T));
  return __atomic_compare_exchange((T*)&p->value, expected, &x, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#define MSL_READ_WRITE(name, expression)                                                                       \
  template <class T>                                                                                           \
  MSL_UNCHECKED MSL_INLINE T atomic_##name##_explicit(volatile atomic<T>* p, MSL_OPERAND(T) b, memory_order) { \
    software_metal::note_atomic(p, sizeof(T));                                                                 \
    T a, next;                                                                                                 \
    __atomic_load((T*)&p->value, &a, __ATOMIC_RELAXED);                                                        \
    do {                                                                                                       \
      next = (T)(expression);                                                                                  \
    } while (!__atomic_compare_exchange((T*)&p->value, &a, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));  \
    return a;                                                                                                  \
  }

#endif

MSL_READ_WRITE(fetch_add, a + b)
MSL_READ_WRITE(fetch_sub, a - b)
MSL_READ_WRITE(fetch_and, a& b)
MSL_READ_WRITE(fetch_or, a | b)
MSL_READ_WRITE(fetch_xor, a ^ b)
MSL_READ_WRITE(fetch_max, a > b ? a : b)
MSL_READ_WRITE(fetch_min, a < b ? a : b)
MSL_READ_WRITE(exchange, ((void)a, b))

}  // namespace metal
