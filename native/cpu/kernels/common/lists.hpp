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

// One query's part of one list, and where the distances of the list's rows go.
struct Probe {
  uint32_t query, list, split;
  float* distances;
};

template <class Visit>
inline void visit_groups(const Lists& lists, const Probe& probe, size_t stride, Visit&& visit) {
  const uint32_t rows = lists.rows[probe.list];
  for (size_t slab = size_t{probe.split} * SLAB; slab < rows; slab += stride) {
    for (size_t first = slab; first < slab + SLAB && first < rows; first += GROUP) {
      const uint32_t group = lists.groups[lists.begin[probe.list] + first / GROUP] - lists.first_group;
      const uint32_t row = static_cast<uint32_t>(first);
      if (group < lists.group_count) visit(group, row, minimum(GROUP, rows - row));
    }
  }
}

// Calls scan(probe, visit_groups) for each of the workgroups [begin, end) that has rows to look at; visit_groups(visit)
// calls visit(group within the segment, first row within the list, live rows) for each group of its slabs
// split, split + splits, … that lies in the segment.
template <class Binding, class Params, class Scan>
inline void scan_probes(const Dispatch& dispatch, const Params& params, uint32_t begin, uint32_t end, Scan&& scan) {
  const Lists lists = {dispatch.buffer<uint32_t>(Binding::list_begin), dispatch.buffer<uint32_t>(Binding::groups),
                       dispatch.buffer<uint32_t>(Binding::list_rows), params.first_group, params.group_count};
  const size_t stride = size_t{dispatch.grid[2]} * SLAB;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const size_t at = size_t{group.y} * params.probe_count + group.x;
    const uint32_t list = dispatch.buffer<uint32_t>(Binding::probes)[at];
    if (list == NONE || size_t{group.z} * SLAB >= lists.rows[list]) continue;
    float* distances = dispatch.buffer<float>(Binding::distances) + size_t{group.y} * params.stride +
                       dispatch.buffer<uint32_t>(Binding::offsets)[at];
    const Probe probe = {group.y, list, group.z, distances};
    scan(probe, [&](auto&& visit) { visit_groups(lists, probe, stride, visit); });
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
