// Exact distances of a query to the rows of one probed list. A workgroup does every splits-th slab of 256 rows.
#include "contracts/scan_rows.hpp"

#include "cpu/kernels/common/lists.hpp"
#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void scan_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_rows;
  const Params params = dispatch.params<Params>();
  const uint32_t metric = dispatch.constants<Constants>().metric;
  const float* storage = dispatch.buffer<float>(Binding::storage);
  const Lists lists = {dispatch.buffer<uint32_t>(Binding::list_begin), dispatch.buffer<uint32_t>(Binding::groups),
                       dispatch.buffer<uint32_t>(Binding::list_rows), params.first_group, params.group_count};
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const size_t probe = size_t{group.y} * params.probe_count + group.x;
    const uint32_t list = dispatch.buffer<uint32_t>(Binding::probes)[probe];
    if (list == NONE) continue;
    const RowChunks query = {dispatch.buffer<float>(Binding::queries) + word_of(group.y, 0, params.chunks),
                             params.chunks};
    float* distances = dispatch.buffer<float>(Binding::distances) + size_t{group.y} * params.stride +
                       dispatch.buffer<uint32_t>(Binding::offsets)[probe];
    visit_groups(lists, list, group.z, dispatch.grid[2], [&](uint32_t page, uint32_t first, uint32_t live) {
      float sums[GROUP];
      group_distances(metric, storage + word_of(page * GROUP, 0, params.chunks), query, sums);
      std::memcpy(distances + first, sums, live * sizeof(float));
    });
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
