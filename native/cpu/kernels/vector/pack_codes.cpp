// Labels to code words, lowest subspace first; interleaved: into the slots of one storage segment.
// One invocation a word of a row.
#include "contracts/pack_codes.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

uint32_t code_word(const uint32_t* labels, const contract::pack_codes::Params& params, uint32_t bits, uint32_t word) {
  const uint32_t per_word = 32 / bits, mask = (1u << bits) - 1;
  uint32_t value = 0;
  for (uint32_t i = 0; i < per_word && word * per_word + i < params.subspaces; i++) {
    value |= (labels[size_t{word * per_word + i} * params.rows] & mask) << (i * bits);
  }
  return value;
}

}  // namespace

void pack_codes(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pack_codes;
  const Params params = dispatch.params<Params>();
  const Constants constants = dispatch.constants<Constants>();
  const uint32_t* labels = dispatch.buffer<uint32_t>(Binding::labels);
  const uint32_t* slots = dispatch.buffer<uint32_t>(Binding::slots);
  uint32_t* codes = dispatch.buffer<uint32_t>(Binding::codes);
  const uint32_t row_words = constants.interleaved ? params.chunks * 4 : params.words;
  const Span span = invocations(begin, end, size_t{params.rows} * row_words);
  for (size_t i = span.first; i < span.last; i++) {
    const uint32_t row = static_cast<uint32_t>(i % params.rows), word = static_cast<uint32_t>(i / params.rows);
    size_t to = size_t{row} * params.words + word;
    if (constants.interleaved) {
      const uint32_t slot = slots[row] - params.first_slot;
      if (slot >= params.slot_count) continue;
      to = word_of(slot, word / 4, params.chunks) + word % 4;
    }
    codes[to] = code_word(labels + row, params, constants.bits, word);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
