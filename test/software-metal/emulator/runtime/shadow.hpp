// Shadow memory: for each byte that kernels share, who wrote and who read it last.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace software_metal {

/** `owner`: threadgroup serial (19 bits), the flags below, thread (10 bits). `epoch`: threadgroup, SIMD-group barriers.
 */
struct Access {
  uint32_t owner, epoch;

  static constexpr uint32_t kAtomic = 1u << 12;
  static constexpr uint32_t kManySimdgroups = 1u << 11;
  static constexpr uint32_t kManyLanes = 1u << 10;
  static constexpr uint32_t kSerialShift = 13;

  uint32_t serial() const { return owner >> kSerialShift; }
  uint32_t thread() const { return owner & 1023; }
  uint32_t threadgroup_epoch() const { return epoch >> 16; }
  uint32_t simdgroup_epoch() const { return epoch & 0xffff; }
  bool operator==(const Access&) const = default;
};

struct Cell {
  Access write, read;

  bool operator==(const Cell&) const = default;
};

/** Memory that a kernel may touch, with a cell for each byte. */
struct Region {
  uint8_t *begin, *end;
  Cell* cells;
  bool is_threadgroup;
  const char* what;
  int index;
};

/** How many barriers were passed, apart for device memory (0) and threadgroup memory (1). */
struct Epochs {
  uint32_t serial;  // of the threadgroup
  uint32_t threadgroup[2];
  uint32_t simdgroup[2][32];

  static constexpr uint32_t kMostSerials = 0x7ffff;

  void start(uint32_t index) {
    serial = (index + 1) & kMostSerials;
    threadgroup[0] = threadgroup[1] = 1;
    memset(simdgroup, 0, sizeof simdgroup);
  }
};

/** Cells for an allocation: as the dispatches of the same batch left them, else empty. */
Cell* shadow_of(uint8_t* begin, size_t bytes, uint32_t batch);
void clear_shadow(Cell* cells, size_t bytes);

}  // namespace software_metal
