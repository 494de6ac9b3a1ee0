// The CPU kernels of each instruction set in this build; the source is generated from the files in native/cpu/kernels.
#pragma once
#include <span>
#include <string_view>

#include "cpu/kernel.hpp"

namespace wavetile::cpu {

struct KernelEntry {
  std::string_view name;
  KernelFunction function;
};

std::span<const KernelEntry> kernel_table(std::string_view isa);  // sorted by name; empty for one that was not compiled
std::span<const std::string_view> compiled_isas();                // the most capable first

}  // namespace wavetile::cpu
