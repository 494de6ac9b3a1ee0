// The code of the two header libraries, compiled once.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#endif
#define VOLK_IMPLEMENTATION
#define VMA_IMPLEMENTATION
#include "vulkan/vma.hpp"
