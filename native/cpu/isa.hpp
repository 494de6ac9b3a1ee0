// Which of the compiled instruction sets this processor runs.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace wavetile::cpu {

// The most capable one that was compiled and that runs here; WAVETILE_CPU_ISA insists on a lesser one.
// Throws Error(unsupported) where there is none, or the one insisted on does not run here.
std::string_view choose_isa();

bool runs_here(std::string_view isa);
std::vector<std::string> processor_features();

}  // namespace wavetile::cpu
