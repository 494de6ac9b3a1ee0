// One growing block of working memory for each thread that runs kernels.
#include <new>

#include "cpu/kernel.hpp"

namespace wavetile::cpu {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Scratch {
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { resize(0); }

  void resize(size_t wanted) {
    ::operator delete(data, kAlignment);
    data = nullptr, bytes = 0;
    if (wanted == 0) return;
    data = ::operator new(wanted, kAlignment);
    bytes = wanted;
  }

  void* data = nullptr;
  size_t bytes = 0;
};
thread_local Scratch scratch;

}  // namespace

void* scratch_bytes(size_t bytes) {
  if (bytes <= scratch.bytes) return scratch.data;
  scratch.resize((bytes + bytes / 2 + 4095) & ~size_t{4095});
  return scratch.data;
}

}  // namespace wavetile::cpu
