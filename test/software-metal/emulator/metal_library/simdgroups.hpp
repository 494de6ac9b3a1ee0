// Barriers, and functions of a SIMD-group: the lanes that reach the same place take part.
#pragma once
#pragma clang system_header
#include "integers.hpp"

namespace metal {

enum class mem_flags : uint {
  mem_none = 0,
  mem_device = 1,
  mem_threadgroup = 2,
  mem_texture = 4,
  mem_threadgroup_imageblock = 8,
  mem_object_data = 16
};
MSL_INLINE mem_flags operator|(mem_flags a, mem_flags b) { return (mem_flags)((uint)a | (uint)b); }
enum thread_scope { thread_scope_thread, thread_scope_simdgroup, thread_scope_threadgroup, thread_scope_device };
MSL_INLINE void threadgroup_barrier(mem_flags flags, MSL_SITE) { software_metal::wait_threadgroup((uint)flags, site); }
MSL_INLINE void simdgroup_barrier(mem_flags flags, MSL_SITE) { software_metal::wait_simdgroup((uint)flags, site); }

namespace detail {

using software_metal::Group;
using software_metal::Site;
MSL_INLINE bool is_active(const Group& group, int lane) { return group.active >> lane & 1; }
MSL_INLINE int lane() { return (int)software_metal::lane_index(); }

/** A tree over the active lanes: the device's order is not specified. */
template <class T, class Op>
MSL_UNCHECKED void reduce(Group& group) {
  T values[32];
  int count = 0, next;
  for (int i = 0; i < 32; i++)
    if (is_active(group, i)) values[count++] = *(const T*)group.in[i];
  for (; count > 1; count = next) {
    next = (count + 1) / 2;
    for (int i = 0; i < count / 2; i++) values[i] = Op::apply(values[2 * i], values[2 * i + 1]);
    if (count & 1) values[next - 1] = values[count - 1];
  }
  for (int i = 0; i < 32; i++)
    if (is_active(group, i)) *(T*)group.out[i] = values[0];
}
template <class T, class Op, bool Inclusive>
MSL_UNCHECKED void scan(Group& group) {
  T sum = Op::template identity<T>();
  for (int i = 0; i < 32; i++) {
    if (!is_active(group, i)) continue;
    T next = Op::apply(sum, *(const T*)group.in[i]);
    *(T*)group.out[i] = Inclusive ? next : sum;
    sum = next;
  }
}
template <class T, class Op>
MSL_UNCHECKED void reduce_quads(Group& group) {
  for (int quad = 0; quad < 32; quad += 4) {
    T sum = Op::template identity<T>();
    for (int i = quad; i < quad + 4; i++)
      if (is_active(group, i)) sum = Op::apply(sum, *(const T*)group.in[i]);
    for (int i = quad; i < quad + 4; i++)
      if (is_active(group, i)) *(T*)group.out[i] = sum;
  }
}

template <class T>
struct Shuffled {
  T value;
  int source;  // -1: the fill
  T fill;
};
template <class T>
MSL_UNCHECKED void shuffle_lanes(Group& group) {
  for (int i = 0; i < 32; i++) {
    if (!is_active(group, i)) continue;
    auto& self = *(const Shuffled<T>*)group.in[i];
    const int source = self.source;
    if (source == -1) {
      *(T*)group.out[i] = self.fill;
    } else if (source < 0 || source > 31 || !is_active(group, source)) {
      software_metal::report("shuffle", "simd_shuffle reads lane %d, which is not active (lane %d, mask %08x)", source,
                             i, group.active);
      __builtin_memset(group.out[i], 0xff, sizeof(T));
    } else {
      *(T*)group.out[i] = ((const Shuffled<T>*)group.in[source])->value;
    }
  }
}
MSL_UNCHECKED inline void vote(Group& group) {
  uint64_t votes = 0;
  for (int i = 0; i < 32; i++)
    if (is_active(group, i) && *(const bool*)group.in[i]) votes |= 1ull << i;
  for (int i = 0; i < 32; i++)
    if (is_active(group, i)) *(uint64_t*)group.out[i] = votes;
}

template <class T>
MSL_INLINE T meet(software_metal::Operation operation, T value, Site site) {
  T out;
  software_metal::meet(operation, &value, &out, site, false);
  return out;
}
template <class T>
MSL_INLINE T shuffle(T value, int source, T fill, Site site) {
  Shuffled<T> in{value, source, fill};
  T out;
  software_metal::meet(&shuffle_lanes<T>, &in, &out, site, false);
  return out;
}
MSL_INLINE uint64_t ballot(bool value, Site site) {
  uint64_t out;
  software_metal::meet(&vote, &value, &out, site, false);
  return out;
}

#define MSL_OPERATION(Name, expression, start)          \
  struct Name {                                         \
    template <class T>                                  \
    MSL_UNCHECKED MSL_INLINE static T apply(T a, T b) { \
      return (T)(expression);                           \
    }                                                   \
    template <class T>                                  \
    MSL_UNCHECKED static T identity() {                 \
      return (T)(element<T>)(start);                    \
    }                                                   \
  };
MSL_OPERATION(Sum, a + b, 0)
MSL_OPERATION(Product, a* b, 1)
MSL_OPERATION(Max, metal::max(a, b), numeric_limits<element<T>>::lowest())
MSL_OPERATION(Min, metal::min(a, b), numeric_limits<element<T>>::max())
MSL_OPERATION(And, a& b, ~0)
MSL_OPERATION(Or, a | b, 0)
MSL_OPERATION(Xor, a ^ b, 0)

}  // namespace detail

#define MSL_REDUCTION(name, Op)                                            \
  template <class T>                                                       \
  MSL_INLINE T simd_##name(T v, MSL_SITE) {                                \
    return detail::meet<T>(&detail::reduce<T, detail::Op>, v, site);       \
  }                                                                        \
  template <class T>                                                       \
  MSL_INLINE T quad_##name(T v, MSL_SITE) {                                \
    return detail::meet<T>(&detail::reduce_quads<T, detail::Op>, v, site); \
  }
MSL_REDUCTION(sum, Sum)
MSL_REDUCTION(product, Product)
MSL_REDUCTION(max, Max)
MSL_REDUCTION(min, Min)
MSL_REDUCTION(and, And)
MSL_REDUCTION(or, Or)
MSL_REDUCTION(xor, Xor)

#define MSL_SCAN(name, Op, is_inclusive)                                         \
  template <class T>                                                             \
  MSL_INLINE T simd_prefix_##name(T v, MSL_SITE) {                               \
    return detail::meet<T>(&detail::scan<T, detail::Op, is_inclusive>, v, site); \
  }
MSL_SCAN(inclusive_sum, Sum, true)
MSL_SCAN(exclusive_sum, Sum, false)
MSL_SCAN(inclusive_product, Product, true)
MSL_SCAN(exclusive_product, Product, false)

// Past the end of the SIMD-group a lane keeps its own value.
#define MSL_SHUFFLE(name, source_expression)               \
  template <class T>                                       \
  MSL_INLINE T name(T v, ushort by, MSL_SITE) {            \
    const int self = detail::lane();                       \
    (void)self;                                            \
    return detail::shuffle(v, source_expression, v, site); \
  }
MSL_SHUFFLE(simd_shuffle, by)
MSL_SHUFFLE(simd_broadcast, by)
MSL_SHUFFLE(simd_shuffle_xor, self ^ by)
MSL_SHUFFLE(simd_shuffle_up, self < by ? self : self - by)
MSL_SHUFFLE(simd_shuffle_down, self + by > 31 ? self : self + by)
MSL_SHUFFLE(simd_shuffle_rotate_up, (self - by) & 31)
MSL_SHUFFLE(simd_shuffle_rotate_down, (self + by) & 31)
MSL_SHUFFLE(quad_shuffle_xor, self ^ (by & 3))
MSL_SHUFFLE(quad_broadcast, (self & ~3) | (by & 3))
template <class T>
MSL_INLINE T simd_shuffle_and_fill_up(T v, T fill, ushort by, MSL_SITE) {
  const int source = detail::lane() - by;
  return detail::shuffle(v, source < 0 ? -1 : source, fill, site);
}
template <class T>
MSL_INLINE T simd_shuffle_and_fill_down(T v, T fill, ushort by, MSL_SITE) {
  const int source = detail::lane() + by;
  return detail::shuffle(v, source > 31 ? -1 : source, fill, site);
}

struct simd_vote {
  typedef ulong vote_t;
  vote_t votes;
  explicit simd_vote(vote_t x) : votes(x) {}
  explicit operator vote_t() const { return votes; }
  bool all() const { return votes == 0xffffffffull; }
  bool any() const { return votes != 0; }
};
MSL_INLINE simd_vote simd_ballot(bool b, MSL_SITE) { return simd_vote(detail::ballot(b, site)); }
MSL_INLINE simd_vote simd_active_threads_mask(MSL_SITE) { return simd_vote(detail::ballot(true, site)); }
MSL_INLINE bool simd_any(bool b, MSL_SITE) { return detail::ballot(b, site) != 0; }
MSL_INLINE bool simd_all(bool b, MSL_SITE) { return detail::ballot(!b, site) == 0; }
MSL_INLINE bool simd_is_first(MSL_SITE) { return detail::lane() == __builtin_ctzll(detail::ballot(true, site)); }
template <class T>
MSL_INLINE T simd_broadcast_first(T v, MSL_SITE) {
  const int first = __builtin_ctzll(detail::ballot(true, site));
  return detail::shuffle(v, first, v, site);
}

}  // namespace metal
