// Candidate numbers within a query to storage slots. One invocation a result.
#include "contracts/candidate_slots.hpp"

#include "cpu/kernels/common/lists.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void candidate_slots(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::candidate_slots;
  const Params params = dispatch.params<Params>();
  const uint32_t* indices = dispatch.buffer<uint32_t>(Binding::indices);
  const uint32_t* groups = dispatch.buffer<uint32_t>(Binding::groups);
  const uint32_t* list_begin = dispatch.buffer<uint32_t>(Binding::list_begin);
  uint32_t* slots = dispatch.buffer<uint32_t>(Binding::slots);
  const Span span = invocations(begin, end, size_t{params.query_count} * params.k);
  for (size_t i = span.first; i < span.last; i++) {
    const uint32_t candidate = indices[i];
    slots[i] = NONE;
    if (candidate == NONE) continue;
    const size_t first = i / params.k * params.probe_count;
    const uint32_t* offsets = dispatch.buffer<uint32_t>(Binding::offsets) + first;
    // The last offset that is not above the candidate belongs to a list that is not empty.
    uint32_t low = 0, high = params.probe_count;
    while (high - low > 1) {
      const uint32_t middle = low + (high - low) / 2;
      (offsets[middle] <= candidate ? low : high) = middle;
    }
    const uint32_t row = candidate - offsets[low];
    const uint32_t list = dispatch.buffer<uint32_t>(Binding::probes)[first + low];
    slots[i] = groups[list_begin[list] + row / GROUP] * GROUP + row % GROUP;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
