// Row-major code rows back to row-major vectors. One invocation an output float.
#include "contracts/decode_codes.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void decode_codes(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::decode_codes;
  const Params params = dispatch.params<Params>();
  const uint32_t bits = dispatch.constants<Constants>().bits, mask = (1u << bits) - 1;
  const uint32_t* codes = dispatch.buffer<uint32_t>(Binding::codes);
  const float* codebooks = dispatch.buffer<float>(Binding::codebooks);
  float* vectors = dispatch.buffer<float>(Binding::vectors);
  const uint32_t subspace_chunks = (params.subdimensions + 3) / 4;
  const Span span = invocations(begin, end, size_t{params.rows} * params.dimensions);
  visit_pieces(span, params.dimensions, params.subdimensions, [&](size_t i, const Piece& piece) {
    const uint32_t bit = piece.subspace * bits;
    const uint32_t code = codes[size_t{piece.row} * params.words + bit / 32] >> (bit % 32) & mask;
    const uint32_t chunk = piece.subspace * subspace_chunks + piece.within / 4;
    copy_words(vectors + i, codebooks + word_of(code, chunk, params.chunks) + piece.within % 4, piece.count);
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
