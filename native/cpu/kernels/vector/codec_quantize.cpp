// rounded = what the latent's int8 code stands for; backward: the gradient through the scaling to length 1 instead.
// A workgroup does 8 rows.
#include "contracts/codec_quantize.hpp"

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void codec_quantize(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::codec_quantize;
  const Params params = dispatch.params<Params>();
  const Constants constants = dispatch.constants<Constants>();
  const uint32_t count = params.latent_dimensions;
  const size_t last = size_t{end} * 8 < params.rows ? size_t{end} * 8 : params.rows;
  for (size_t row = size_t{begin} * 8; row < last; row++) {
    const float* latent = dispatch.buffer<float>(Binding::latent) + row * count;
    const float* gradient = dispatch.buffer<float>(Binding::gradient) + row * count;
    float* rounded = dispatch.buffer<float>(Binding::rounded) + row * count;
    float largest = 0, squares = 0, along = 0;
    for (uint32_t i = 0; i < count; i++) {
      const float size = __builtin_fabsf(latent[i]);
      largest = size > largest ? size : largest;
      squares += size * size;
    }
    const float size = constants.normalize && squares > 0 ? ::sqrtf(squares) : 1;
    if (!constants.backward) {
      for (uint32_t i = 0; i < count; i++)
        rounded[i] = largest > 0 ? ::floorf(latent[i] / largest * 127 + 0.5f) * (largest / 127 / size) : 0;
      continue;
    }
    for (uint32_t i = 0; i < count; i++) along += latent[i] * gradient[i];
    for (uint32_t i = 0; i < count; i++)
      rounded[i] = squares > 0 ? (gradient[i] - latent[i] * (along / squares)) / size : 0;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
