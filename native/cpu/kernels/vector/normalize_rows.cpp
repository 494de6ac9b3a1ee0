// vectors[r] /= |vectors[r]| for row-major rows of whole chunks; zero rows stay zero. A workgroup does 32 rows.
#include "contracts/normalize_rows.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void normalize_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::normalize_rows;
  const Params& params = dispatch.params<Params>();
  float* vectors = dispatch.buffer<float>(Binding::vectors);
  const size_t last = minimum(params.rows, end * 32);
  for (size_t row = size_t{begin} * 32; row < last; row++) {
    float* vector = vectors + row * params.chunks * 4;
    Quad sums{};
    for (uint32_t chunk = 0; chunk < params.chunks; chunk++) {
      const Quad value = load<Quad>(vector + chunk * 4);
      sums += value * value;
    }
    const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    if (!(sum > 0)) continue;
    const float scale = 1.0f / __builtin_sqrtf(sum);
    for (uint32_t chunk = 0; chunk < params.chunks; chunk++) {
      store(vector + chunk * 4, load<Quad>(vector + chunk * 4) * (scale - Quad{}));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
