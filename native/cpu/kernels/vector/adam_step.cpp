// Adam: weights -= rate * m / (sqrt(v) + epsilon), m and v running means of the gradient and of its square.
#include "contracts/adam_step.hpp"

#include <cmath>

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void adam_step(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::adam_step;
  const Params params = dispatch.params<Params>();
  const float* schedule = dispatch.buffer<float>(Binding::schedule) + size_t{params.step} * 2;
  const float rate = schedule[0], epsilon = schedule[1];
  const float* gradient = dispatch.buffer<float>(Binding::gradient);
  float* weights = dispatch.buffer<float>(Binding::weights);
  float* moments = dispatch.buffer<float>(Binding::moments);
  const Span span = invocations(begin, end, params.count);
  for (size_t i = span.first; i < span.last; i++) {
    const float g = gradient[i];
    const float mean = moments[i * 2] * 0.9f + 0.1f * g;
    const float square = moments[i * 2 + 1] * 0.999f + 0.001f * (g * g);
    moments[i * 2] = mean;
    moments[i * 2 + 1] = square;
    weights[i] -= rate * mean / (::sqrtf(square) + epsilon);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
