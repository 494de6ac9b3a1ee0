// What a CPU kernel is called with. A kernel is a function `void <name>(const Dispatch&, uint32_t begin, uint32_t end)`
// in namespace wavetile::cpu::WAVETILE_ISA that does workgroups [begin, end) of the linear grid x + gx * (y + gy * z).
// Its file is compiled once for each instruction set (WAVETILE_ISA = x86_64_v2 | x86_64_v3 | x86_64_v4 | arm64 |
// baseline).
#pragma once
#include <cstddef>
#include <cstdint>

namespace wavetile::cpu {

// The linker keeps one copy of an inline function for all instruction sets: what kernels share is always inlined.
#define WAVETILE_INLINE [[gnu::always_inline]] inline

struct Dispatch {
  std::byte* const* buffers;  // in binding order, offsets applied
  const uint64_t* buffer_bytes;
  const std::byte* params_data;
  const uint32_t* constants_data;
  uint32_t grid[3];

  template <class T>
  WAVETILE_INLINE T* buffer(uint32_t binding) const {
    return reinterpret_cast<T*>(buffers[binding]);
  }
  template <class T>
  WAVETILE_INLINE const T& params() const {
    return *reinterpret_cast<const T*>(params_data);
  }
  template <class T>
  WAVETILE_INLINE const T& constants() const {
    return *reinterpret_cast<const T*>(constants_data);
  }
};

struct Workgroup {
  uint32_t x, y, z;
};
WAVETILE_INLINE Workgroup workgroup_at(const Dispatch& dispatch, uint32_t linear) {
  const uint32_t gx = dispatch.grid[0], gy = dispatch.grid[1];
  return {linear % gx, linear / gx % gy, linear / (gx * gy)};
}

using KernelFunction = void (*)(const Dispatch&, uint32_t begin, uint32_t end);

// Memory of the calling thread, 64-byte aligned and kept for its next call. Throws std::bad_alloc.
void* scratch_bytes(size_t bytes);

}  // namespace wavetile::cpu
