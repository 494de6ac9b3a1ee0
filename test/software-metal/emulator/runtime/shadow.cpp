// Shadow memory is mapped once for an allocation and given back to the system, which zeroes it, between dispatches.
#include "shadow.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace software_metal {
namespace {

struct Shadow {
  uint8_t* begin;
  size_t bytes;
  Cell* cells;
  uint32_t batch;
};
constexpr size_t kKept = 256;
std::vector<Shadow> shadows;  // dispatches run one at a time

}  // namespace

void clear_shadow(Cell* cells, size_t bytes) { madvise(cells, bytes * sizeof(Cell), MADV_DONTNEED); }

Cell* shadow_of(uint8_t* begin, size_t bytes, uint32_t batch) {
  auto is_wanted = [=](const Shadow& shadow) { return shadow.begin == begin && shadow.bytes == bytes; };
  const auto found = std::find_if(shadows.begin(), shadows.end(), is_wanted);
  if (found != shadows.end()) {
    if (found->batch != batch) clear_shadow(found->cells, bytes);
    found->batch = batch;
    std::rotate(found, found + 1, shadows.end());  // those of the same dispatch are the last to go
    return shadows.back().cells;
  }
  void* memory =
      mmap(nullptr, bytes * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) abort();
  if (shadows.size() > kKept) {
    munmap(shadows[0].cells, shadows[0].bytes * sizeof(Cell));
    shadows.erase(shadows.begin());
  }
  auto* cells = static_cast<Cell*>(memory);
  shadows.push_back({begin, bytes, cells, batch});
  return cells;
}

}  // namespace software_metal
