// Packed rows picked by id, for each subspace on its own: gathered row k of subspace m is row ids[m, k].
// One invocation an output chunk.
#include "contracts/gather_rows.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void gather_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::gather_rows;
  const Params params = dispatch.params<Params>();
  const uint32_t* packed = dispatch.buffer<uint32_t>(Binding::packed);
  const uint32_t* ids = dispatch.buffer<uint32_t>(Binding::ids);
  uint32_t* gathered = dispatch.buffer<uint32_t>(Binding::gathered);
  const Span span = invocations(begin, end, size_t{params.padded_rows} * params.chunks);
  visit_elements(span, params.chunks, [&](size_t i, uint32_t row, uint32_t chunk) {
    if (row >= params.rows) {
      std::memset(gathered + i * 4, 0, 16);
      return;
    }
    const uint32_t id = ids[size_t{chunk / params.subspace_chunks} * params.rows + row];
    std::memcpy(gathered + i * 4, packed + word_of(id, chunk, params.chunks), 16);
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
