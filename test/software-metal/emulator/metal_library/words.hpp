// The words of MSL that C++ lacks. With SOFTWARE_METAL_ADDRESS_SPACES address spaces are real (for a syntax check);
// otherwise they say nothing, and the kernel can run.
#pragma once
#pragma clang system_header
#include <stddef.h>
#include <stdint.h>

#include <type_traits>
#include <utility>

#include "../abi.hpp"

#ifdef SOFTWARE_METAL_ADDRESS_SPACES
#define device __attribute__((address_space(1)))
#define constant const __attribute__((address_space(2)))
#define threadgroup __attribute__((address_space(3)))
#define MSL_CONSTANT_GLOBAL static const __attribute__((address_space(2)))
#else
#define device
#define constant const
#define threadgroup
#define MSL_CONSTANT_GLOBAL static const
#endif
#define thread
#define kernel

#define MSL_SITE software_metal::Site site = {__builtin_LINE(), __builtin_COLUMN()}
#define MSL_UNCHECKED __attribute__((no_sanitize("thread", "undefined")))
#define MSL_INLINE inline __attribute__((always_inline))

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef _Float16 half;
typedef __bf16 bfloat;
constexpr half operator""h(long double x) { return (half)x; }
constexpr half operator""h(unsigned long long x) { return (half)x; }
