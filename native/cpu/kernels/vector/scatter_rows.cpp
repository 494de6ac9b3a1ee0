// Packed rows into the slots of one storage segment; rows whose slot lies outside it are skipped.
// One invocation a chunk of a row.
#include "contracts/scatter_rows.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void scatter_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scatter_rows;
  const Params params = dispatch.params<Params>();
  const uint32_t* packed = dispatch.buffer<uint32_t>(Binding::packed);
  const uint32_t* slots = dispatch.buffer<uint32_t>(Binding::slots);
  uint32_t* storage = dispatch.buffer<uint32_t>(Binding::storage);
  const Span span = invocations(begin, end, size_t{params.rows} * params.chunks);
  if (span.first == span.last) return;
  uint32_t row = static_cast<uint32_t>(span.first % params.rows);
  uint32_t chunk = static_cast<uint32_t>(span.first / params.rows);
  for (size_t i = span.first; i < span.last; i++, row++) {
    if (row == params.rows) row = 0, chunk++;
    const uint32_t slot = slots[row] - params.first_slot;  // below the segment: wraps to a large number
    if (slot >= params.slot_count) continue;
    std::memcpy(storage + word_of(slot, chunk, params.chunks), packed + word_of(row, chunk, params.chunks), 16);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
