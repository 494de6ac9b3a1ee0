// Packed rows to row-major words, without the padding of sub-vectors.
#include "contracts/unpack_rows.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void unpack_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::unpack_rows;
  const Params params = dispatch.params<Params>();
  const uint32_t* packed = dispatch.buffer<uint32_t>(Binding::packed);
  uint32_t* out = dispatch.buffer<uint32_t>(Binding::rows_out);
  const uint32_t subspace_chunks = (params.subdimensions + 3) / 4;
  const Span span = invocations(begin, end, size_t{params.rows} * params.dimensions);
  visit_pieces(span, params.dimensions, params.subdimensions, [&](size_t i, const Piece& piece) {
    const uint32_t chunk = piece.subspace * subspace_chunks + piece.within / 4;
    copy_words(out + i, packed + word_of(piece.row, chunk, params.chunks) + piece.within % 4, piece.count);
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
