// The kernels in this build.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace wavetile::metal {

// Generated at build: the text of a kernel's file with everything that it includes; empty when there is none.
std::string_view source_of(std::string_view kernel);

// A kernel's file compiled ahead; empty where the build had no Metal compiler.
std::span<const std::byte> metallib_of(std::string_view kernel);

}  // namespace wavetile::metal
