// The inverted lists' pages that a scan visits: groups of 32 rows, spread over segments of storage.
#pragma once
#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t NONE = 0xFFFFFFFF;
constexpr uint32_t SLAB = 256;  // rows of a list that one workgroup does at a time

struct Lists {
  const uint32_t* begin;              // of a list, in `groups`
  const uint32_t* groups;             // global numbers
  const uint32_t* rows;               // of a list
  uint32_t first_group, group_count;  // of the segment that is bound
};

// Calls visit(group within the segment, first row within the list, live rows) for each group of slabs
// split, split + splits, … of the list that lies in the segment.
template <class Visit>
inline void visit_groups(const Lists& lists, uint32_t list, uint32_t split, uint32_t splits, Visit&& visit) {
  const uint32_t rows = lists.rows[list];
  for (size_t slab = size_t{split} * SLAB; slab < rows; slab += size_t{splits} * SLAB) {
    for (size_t first = slab; first < slab + SLAB && first < rows; first += GROUP) {
      const uint32_t group = lists.groups[lists.begin[list] + first / GROUP] - lists.first_group;
      const uint32_t row = static_cast<uint32_t>(first);
      if (group < lists.group_count) visit(group, row, minimum(GROUP, rows - row));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
