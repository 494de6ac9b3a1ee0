// Where each probed list's candidates begin: the exclusive prefix sum of the list sizes. A workgroup does one query.
#include "contracts/probe_offsets.hpp"

#include "cpu/kernels/common/lists.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void probe_offsets(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::probe_offsets;
  const Params params = dispatch.params<Params>();
  const uint32_t* probes = dispatch.buffer<uint32_t>(Binding::probes);
  const uint32_t* list_rows = dispatch.buffer<uint32_t>(Binding::list_rows);
  uint32_t* offsets = dispatch.buffer<uint32_t>(Binding::offsets);
  for (uint32_t query = begin; query < end && query < params.query_count; query++) {
    uint32_t sum = 0;
    const size_t first = size_t{query} * params.probe_count;
    for (size_t i = first; i < first + params.probe_count; i++) {
      offsets[i] = sum;
      sum += probes[i] == NONE ? 0 : list_rows[probes[i]];
    }
    dispatch.buffer<uint32_t>(Binding::lengths)[query] = sum;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
