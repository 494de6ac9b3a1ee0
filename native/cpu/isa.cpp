// Instruction sets by CPUID.
#include "cpu/isa.hpp"

#include <cstdlib>

#include "cpu/kernel_table.hpp"
#include "device/error.hpp"

namespace wavetile::cpu {
namespace {

std::string list_of(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

}  // namespace

bool runs_here(std::string_view isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == "x86_64_v4") {
    return runs_here("x86_64_v3") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  }
  if (isa == "x86_64_v3") {
    return runs_here("x86_64_v2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  }
  if (isa == "x86_64_v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#endif
#if defined(__aarch64__)
  if (isa == "arm64") return true;
#endif
  return isa == "baseline";
}

std::string_view choose_isa() {
  const char* wanted = std::getenv("WAVETILE_CPU_ISA");
  const bool insisted = wanted && *wanted;
  for (const std::string_view isa : compiled_isas()) {
    if ((!insisted || isa == wanted) && runs_here(isa)) return isa;
  }
  if (insisted) {
    throw Error(ErrorCode::unsupported, "WAVETILE_CPU_ISA=" + std::string(wanted) + " does not run on this processor",
                "unset WAVETILE_CPU_ISA; this build has " + list_of(compiled_isas()));
  }
  throw Error(ErrorCode::unsupported, "this processor runs none of the instruction sets of this build",
              "this build has " + list_of(compiled_isas()) + "; build from source on this machine");
}

std::vector<std::string> processor_features() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  __builtin_cpu_init();
#define WAVETILE_FEATURE(name) \
  if (__builtin_cpu_supports(name)) features.emplace_back(name)
  WAVETILE_FEATURE("sse4.2");
  WAVETILE_FEATURE("avx");
  WAVETILE_FEATURE("avx2");
  WAVETILE_FEATURE("fma");
  WAVETILE_FEATURE("avx512f");
  WAVETILE_FEATURE("avx512bw");
  WAVETILE_FEATURE("avx512vl");
  WAVETILE_FEATURE("avx512vnni");
  WAVETILE_FEATURE("avx512bf16");
#undef WAVETILE_FEATURE
#elif defined(__aarch64__)
  features.emplace_back("neon");
#endif
  return features;
}

}  // namespace wavetile::cpu
