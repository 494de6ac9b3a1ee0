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
  scan_probes<Binding>(dispatch, params, begin, end, [&](const Probe& probe, auto&& visit_groups) {
    const RowChunks query = {dispatch.buffer<float>(Binding::queries) + word_of(probe.query, 0, params.chunks),
                             params.chunks};
    visit_groups([&](uint32_t page, uint32_t first, uint32_t live) {
      float sums[GROUP];
      group_distances(metric, storage + word_of(page * GROUP, 0, params.chunks), query, sums);
      std::memcpy(probe.distances + first, sums, live * sizeof(float));
    });
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
