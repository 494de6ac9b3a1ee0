// A kernel's contract as the build reflected it from its SPIR-V: what every backend binds, in this order.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace wavetile {

enum class Access : uint8_t { read = 1, write = 2, read_write = 3 };

struct KernelBinding {
  std::string_view name;
  Access access;
};

struct KernelConstant {
  std::string_view name;
  uint32_t id;
  uint32_t default_value;
};

struct Kernel {
  std::string_view name;  // the file's name without room and extension, unique
  std::string_view room;
  std::span<const KernelBinding> bindings;    // by binding number, dense from 0
  std::span<const KernelConstant> constants;  // by constant id
  uint32_t params_bytes;                      // size of the push-constant block, 4-byte scalars only
  uint32_t workgroup[3];
  std::span<const uint32_t> spirv;
};

std::span<const Kernel> kernels();                 // generated at build, sorted by name
const Kernel* find_kernel(std::string_view name);  // nullptr when there is none

}  // namespace wavetile
