// Code rows and their scales into the slots of one storage segment: a row's words, then its scale, then zeros.
// One invocation a word. normalize: the scale that gives the decoded latent length 1 takes the place of its own.
#include "contracts/pack_latents.hpp"

#include <cmath>

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

float unit_scale(const uint32_t* words, uint32_t count) {
  const int8_t* codes = reinterpret_cast<const int8_t*>(words);
  int32_t squares = 0;
  for (uint32_t i = 0; i < count * 4; i++) squares += codes[i] * codes[i];
  return squares > 0 ? 1 / ::sqrtf(static_cast<float>(squares)) : 0;
}

}  // namespace

void pack_latents(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pack_latents;
  const Params params = dispatch.params<Params>();
  const bool normalize = dispatch.constants<Constants>().normalize != 0;
  const uint32_t* codes = dispatch.buffer<uint32_t>(Binding::codes);
  const float* scales = dispatch.buffer<float>(Binding::scales);
  const uint32_t* slots = dispatch.buffer<uint32_t>(Binding::slots);
  uint32_t* storage = dispatch.buffer<uint32_t>(Binding::storage);
  const Span span = invocations(begin, end, size_t{params.rows} * params.chunks * 4);
  for (size_t i = span.first; i < span.last; i++) {
    const uint32_t row = static_cast<uint32_t>(i % params.rows), word = static_cast<uint32_t>(i / params.rows);
    const uint32_t slot = slots[row] - params.first_slot;
    if (slot >= params.slot_count) continue;
    const uint32_t* words = codes + size_t{row} * params.words;
    uint32_t value = word < params.words ? words[word] : 0;
    if (word == params.words) {
      const float scale = normalize ? unit_scale(words, params.words) : scales[row];
      std::memcpy(&value, &scale, sizeof value);
    }
    storage[word_of(slot, word / 4, params.chunks) + word % 4] = value;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
