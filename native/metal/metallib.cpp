// The kernels as Apple's compiler made them ahead, where the build had it: the assembler takes the files in. An
// alt_entry stays with what is before it, whatever the linker moves.
#include <utility>

#include "metal/sources.hpp"

#ifdef WAVETILE_METALLIBS
#define WAVETILE_METALLIB(kernel, path)                         \
  __asm__(                                                      \
      ".const_data\n.p2align 4\n"                               \
      "_wavetile_metallib_" #kernel ":\n.incbin \"" path        \
      "\"\n"                                                    \
      ".alt_entry _wavetile_metallib_" #kernel                  \
      "_end\n"                                                  \
      "_wavetile_metallib_" #kernel "_end:\n.byte 0\n.text\n"); \
  extern "C" const std::byte wavetile_metallib_##kernel[], wavetile_metallib_##kernel##_end[];
#include WAVETILE_METALLIBS
#undef WAVETILE_METALLIB
#endif

namespace wavetile::metal {

std::span<const std::byte> metallib_of([[maybe_unused]] std::string_view kernel) {
#ifdef WAVETILE_METALLIBS
  static const std::pair<std::string_view, std::span<const std::byte>> table[]{
#define WAVETILE_METALLIB(kernel, path) {#kernel, {wavetile_metallib_##kernel, wavetile_metallib_##kernel##_end}},
#include WAVETILE_METALLIBS
  };
  for (const auto& [name, bytes] : table) {
    if (name == kernel) return bytes;
  }
#endif
  return {};
}

}  // namespace wavetile::metal
