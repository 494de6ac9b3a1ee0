// Row-major words to packed rows; normalize: row / |row|; check: the first row with a NaN, an infinity or too large a
// norm. A workgroup packs a group of 32 rows.
#include "contracts/pack_rows.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

// One row with each sub-vector zero-padded to whole chunks.
void pad_row(const uint32_t* source, const contract::pack_rows::Params& params, uint32_t* row) {
  const uint32_t pitch = (params.subdimensions + 3) / 4 * 4, words = params.chunks * 4;
  uint32_t at = 0;
  for (uint32_t first = 0; first < params.dimensions && at < words; first += params.subdimensions, at += pitch) {
    const uint32_t count = minimum(params.subdimensions, params.dimensions - first);
    std::memcpy(row + at, source + first, count * 4);
    std::memset(row + at + count, 0, (pitch - count) * 4);
  }
  if (at < words) std::memset(row + at, 0, (words - at) * 4);
}

float squared_norm(const float* row, uint32_t words) {
  Floats sum{};
  uint32_t i = 0;
  for (; i + LANES <= words; i += LANES) sum += load<Floats>(row + i) * load<Floats>(row + i);
  float total = sum_of(sum);
  for (; i < words; i++) total += row[i] * row[i];
  return total;
}

void keep_smallest(uint32_t* word, uint32_t value) {
  uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (value < seen && !__atomic_compare_exchange_n(word, &seen, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

}  // namespace

void pack_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pack_rows;
  const Params params = dispatch.params<Params>();
  const Constants constants = dispatch.constants<Constants>();
  const uint32_t* source = dispatch.buffer<uint32_t>(Binding::source);
  const size_t words = size_t{params.chunks} * 4;
  uint32_t* rows = scratch<uint32_t>(GROUP * words);
  for (uint32_t group = begin; group < end && group < params.padded_rows / GROUP; group++) {
    for (uint32_t lane = 0; lane < GROUP; lane++) {
      const uint32_t row = group * GROUP + lane;
      uint32_t* padded = rows + lane * words;
      if (row >= params.rows) {
        std::memset(padded, 0, words * 4);
        continue;
      }
      pad_row(source + size_t{row} * params.dimensions, params, padded);
      if (constants.check == 0 && constants.normalize == 0) continue;
      float* values = reinterpret_cast<float*>(padded);
      const float norm = squared_norm(values, static_cast<uint32_t>(words));
      if (constants.check == 1 && !(norm < INFINITE)) {
        keep_smallest(dispatch.buffer<uint32_t>(Binding::first_invalid), row);
      }
      if (constants.normalize == 0 || !(norm > 0)) continue;
      const float scale = 1.0f / __builtin_sqrtf(norm);
      for (size_t i = 0; i < words; i++) values[i] *= scale;
    }
    uint32_t* packed = dispatch.buffer<uint32_t>(Binding::packed) + size_t{group} * GROUP * words;
    for (size_t word = 0; word < words; word += 4) {
      for (uint32_t lane = 0; lane < GROUP; lane++, packed += 4) std::memcpy(packed, rows + lane * words + word, 16);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
