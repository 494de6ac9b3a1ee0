// Head-major keys to packed rows: a row holds all heads' sub-vectors of one key, each padded with zeros to whole
// chunks. One invocation a chunk.
#include "contracts/pack_heads.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void pack_heads(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pack_heads;
  const Params params = dispatch.params<Params>();
  const float* source = dispatch.buffer<float>(Binding::source);
  float* packed = dispatch.buffer<float>(Binding::packed);
  uint32_t* first_invalid = dispatch.buffer<uint32_t>(Binding::first_invalid);
  const uint32_t subspaces = params.dimensions / params.subdimensions;
  const Span span = invocations(begin, end, size_t{params.padded_rows} * params.chunks);
  visit_elements(span, params.chunks, [&](size_t i, uint32_t row, uint32_t chunk) {
    Quad value{};
    if (row < params.rows) {
      const uint32_t p = chunk / params.subspace_chunks, within = chunk % params.subspace_chunks * 4;
      const uint32_t key = (params.first_head + p / subspaces) * params.keys + params.first + row;
      const float* from = source + size_t{key} * params.dimensions + p % subspaces * params.subdimensions;
      float norm = 0;
      for (uint32_t j = 0; j < 4 && within + j < params.subdimensions; j++) {
        value[j] = from[within + j];
        norm += value[j] * value[j];
      }
      if (!(norm < INFINITE)) {
        uint32_t seen = __atomic_load_n(first_invalid, __ATOMIC_RELAXED);
        while (key < seen &&
               !__atomic_compare_exchange_n(first_invalid, &seen, key, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        }
      }
    }
    store(packed + i * 4, value);
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
