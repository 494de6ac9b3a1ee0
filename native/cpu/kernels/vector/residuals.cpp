// residuals[row] = points[row] - centroids[labels[row]]; padding rows are zero. One invocation a chunk.
#include "contracts/residuals.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void residuals(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::residuals;
  const Params params = dispatch.params<Params>();
  const float* points = dispatch.buffer<float>(Binding::points);
  const float* centroids = dispatch.buffer<float>(Binding::centroids);
  const uint32_t* labels = dispatch.buffer<uint32_t>(Binding::labels);
  float* out = dispatch.buffer<float>(Binding::residuals);
  const size_t padded_rows = (size_t{params.rows} + GROUP - 1) / GROUP * GROUP;
  const Span span = invocations(begin, end, padded_rows * params.chunks);
  visit_elements(span, params.chunks, [&](size_t i, uint32_t row, uint32_t chunk) {
    Quad value{};
    if (row < params.rows) {
      value = load<Quad>(points + i * 4) - load<Quad>(centroids + word_of(labels[row], chunk, params.chunks));
    }
    store(out + i * 4, value);
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
