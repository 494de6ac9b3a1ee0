// One growing block of working memory for each thread that runs kernels.
#include <cstdlib>
#include <new>

#include "cpu/kernel.hpp"

namespace wavetile::cpu {
namespace {

struct Scratch {
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::free(data); }

  void* data = nullptr;
  size_t bytes = 0;
};
thread_local Scratch scratch;

}  // namespace

void* scratch_bytes(size_t bytes) {
  if (bytes <= scratch.bytes) return scratch.data;
  const size_t rounded = (bytes + bytes / 2 + 4095) & ~size_t{4095};
  void* data = std::aligned_alloc(64, rounded);
  if (!data) throw std::bad_alloc();
  std::free(scratch.data);
  scratch.data = data;
  scratch.bytes = rounded;
  return data;
}

}  // namespace wavetile::cpu
