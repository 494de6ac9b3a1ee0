// What the tables that the pre-pass writes are made of: calling a kernel with its bound arguments, threadgroup
// variables.
#pragma once
#pragma clang system_header
#include "vectors.hpp"

namespace metal {
namespace detail {

using software_metal::Argument;

template <class P>
MSL_INLINE P convert(const unsigned* values) {
  if constexpr (width<P> == 1) {
    return (P)values[0];
  } else {
    P p;
    for (int i = 0; i < width<P>; i++) p[i] = (element<P>)values[i];
    return p;
  }
}
template <class P>
MSL_INLINE decltype(auto) bind(const Argument& argument) {
  if constexpr (std::is_pointer<P>::value)
    return (P)software_metal::bound_pointer(argument);
  else if constexpr (std::is_reference<P>::value)
    return (P) * (std::remove_reference_t<P>*)software_metal::bound_pointer(argument);
  else
    return convert<P>(software_metal::position(argument.kind));
}

template <class F, F function>
struct Caller;
template <class... P, void (*function)(P...)>
struct Caller<void (*)(P...), function> {
  template <size_t... I>
  MSL_UNCHECKED static void call_with(const Argument* arguments, std::index_sequence<I...>) {
    function(bind<P>(arguments[I])...);
  }
  MSL_UNCHECKED static void call(const Argument* arguments) {
    call_with(arguments, std::make_index_sequence<sizeof...(P)>());
  }
};

template <class T>
T& threadgroup_variable(const void* key) {
  return *(T*)software_metal::threadgroup_variable(key, sizeof(T), alignof(T) < 16 ? 16 : alignof(T));
}
template <class T>
using Self = T;

/** The MTL::DataType of a function constant. */
template <class T>
struct DataType;
#define MSL_DATA_TYPE(T, number)         \
  template <>                            \
  struct DataType<T> {                   \
    static constexpr int value = number; \
  };
MSL_DATA_TYPE(float, 3)
MSL_DATA_TYPE(half, 16)
MSL_DATA_TYPE(int, 29)
MSL_DATA_TYPE(uint, 33)
MSL_DATA_TYPE(short, 37)
MSL_DATA_TYPE(ushort, 41)
MSL_DATA_TYPE(char, 45)
MSL_DATA_TYPE(uchar, 49)
MSL_DATA_TYPE(bool, 53)

}  // namespace detail
}  // namespace metal

#ifdef SOFTWARE_METAL_ADDRESS_SPACES
#define MSL_THREADGROUP_VARIABLE(name, ...) auto& name = *(threadgroup metal::detail::Self<__VA_ARGS__>*)0
#else
#define MSL_THREADGROUP_VARIABLE(name, ...)        \
  static const char software_metal_key_##name = 0; \
  auto& name = metal::detail::threadgroup_variable<__VA_ARGS__>(&software_metal_key_##name)
#endif
