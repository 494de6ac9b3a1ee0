// The k smallest values of each row in ascending order, ties to the lower index. A workgroup does one row.
// Once k values are known, whole vectors are skipped unless one of them is below the greatest of those k.
#include "contracts/select_smallest.hpp"

#include "cpu/kernels/common/packed_rows.hpp"
#include "cpu/kernels/common/selection.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

struct Row {
  const float* values;
  uint32_t length, k;
};

// keys[0, min(k, length)) become the row's smallest, sorted; there is room for `capacity` > k of them.
uint32_t select_row(const Row& row, uint64_t* keys, uint32_t capacity) {
  uint32_t count = minimum(row.length, capacity);
  for (uint32_t i = 0; i < count; i++) keys[i] = key_of(row.values[i], i);
  uint32_t at = count;
  const auto shrink = [&] {
    if (count > row.k) select_keys(keys, count, row.k);
    count = minimum(count, row.k);
  };
  shrink();
  if (at == row.length) {
    sort_keys(keys, count);
    return count;
  }
  float limit = row.values[index_of(keys[row.k - 1])];
  // A later value equal to the limit has the higher index, so it loses the tie.
  const auto take = [&](uint32_t first, uint32_t last) {
    for (uint32_t i = first; i < last; i++) {
      if (!(row.values[i] < limit)) continue;
      keys[count++] = key_of(row.values[i], i);
      if (count < capacity) continue;
      shrink();
      limit = row.values[index_of(keys[row.k - 1])];
    }
  };
  constexpr uint32_t STEP = 4 * LANES;
  for (; at + STEP <= row.length; at += STEP) {
    const float* from = row.values + at;
    const Floats low = smaller(load<Floats>(from), load<Floats>(from + LANES));
    const Floats high = smaller(load<Floats>(from + 2 * LANES), load<Floats>(from + 3 * LANES));
    if (any_less(smaller(low, high), broadcast(limit))) take(at, at + STEP);
  }
  take(at, row.length);
  shrink();
  sort_keys(keys, count);
  return count;
}

}  // namespace

void select_smallest(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::select_smallest;
  const Params params = dispatch.params<Params>();
  const float* values = dispatch.buffer<float>(Binding::values);
  const uint32_t* lengths = dispatch.buffer<uint32_t>(Binding::lengths);
  const uint32_t capacity = params.k * 2 + 64;
  uint64_t* keys = scratch<uint64_t>(capacity);
  for (uint32_t r = begin; r < end && r < params.rows; r++) {
    const Row row = {values + size_t{r} * params.stride, lengths[r], params.k};
    const uint32_t count = params.k ? select_row(row, keys, capacity) : 0;
    uint32_t* indices = dispatch.buffer<uint32_t>(Binding::indices) + size_t{r} * params.k;
    float* best = dispatch.buffer<float>(Binding::best) + size_t{r} * params.k;
    for (uint32_t i = 0; i < params.k; i++) {
      indices[i] = i < count ? index_of(keys[i]) : 0xFFFFFFFF;
      best[i] = i < count ? row.values[index_of(keys[i])] : INFINITE;
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
