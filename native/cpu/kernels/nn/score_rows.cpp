// scores[row] = logits[row][target] - log(sum of exp(logits[row])); 0 where the target is NONE. A workgroup does one
// row.
#include "contracts/score_rows.hpp"

#include <cmath>

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

constexpr uint32_t NONE = 0xFFFFFFFF;

// exp(x) for x up to 0, relative error 2e-7.
inline Floats exp_below(Floats x) {
  x = x < -87.0f ? broadcast(-87.0f) : x;
  const Floats turns = x * 1.44269504f;
  const Ints whole = __builtin_convertvector(turns - 0.5f, Ints);  // rounds towards zero
  const Floats n = __builtin_convertvector(whole, Floats);
  const Floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Floats p = r * 1.9875691e-4f + 1.3981999e-3f;
  p = p * r + 8.3334519e-3f;
  p = p * r + 4.1665796e-2f;
  p = p * r + 1.6666666e-1f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  return p * reinterpret_cast<Floats>((whole + 127) << 23);
}

float log_sum(const float* logits, uint32_t count) {
  float largest = -INFINITE;
  Floats most = broadcast(-INFINITE);
  uint32_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    const Floats values = load<Floats>(logits + i);
    most = values > most ? values : most;
  }
  for (uint32_t j = i; j < count; j++) largest = logits[j] > largest ? logits[j] : largest;
  for (int lane = 0; lane < LANES; lane++) largest = most[lane] > largest ? most[lane] : largest;
  double sum = 0;
  for (uint32_t j = i; j < count; j++) sum += ::expf(logits[j] - largest);
  for (uint32_t first = 0; first < i;) {
    Floats part{};
    for (const uint32_t end = minimum(i, first + 64 * LANES); first < end; first += LANES)
      part += exp_below(load<Floats>(logits + first) - largest);
    sum += sum_of(part);
  }
  return largest + static_cast<float>(::log(sum));
}

}  // namespace

void score_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::score_rows;
  const Params& params = dispatch.params<Params>();
  const uint32_t* targets = dispatch.buffer<uint32_t>(Binding::targets);
  for (uint32_t row = begin; row < end && row < params.rows; row++) {
    const float* logits = dispatch.buffer<float>(Binding::logits) + size_t{row} * params.stride;
    const uint32_t target = minimum(targets[row], params.vocabulary - 1);
    const float score = targets[row] == NONE ? 0 : logits[target] - log_sum(logits, params.vocabulary);
    dispatch.buffer<float>(Binding::scores)[row] = score;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
