// vectors = activate(scale * codes weights^T + bias). A workgroup does 128 rows of codes against 128 rows of weights.
#include "contracts/codec_decode.hpp"

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/matrix_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

void fill_codes(const int8_t* codes, uint32_t count, float* to) {
  for (uint32_t chunk = 0; chunk < count; chunk++, codes += 4, to += CHUNK_STRIDE) {
    const Quad quad = {static_cast<float>(codes[0]), static_cast<float>(codes[1]), static_cast<float>(codes[2]),
                       static_cast<float>(codes[3])};
    store(to, quad);
  }
}

}  // namespace

void codec_decode(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::codec_decode;
  const Params params = dispatch.params<Params>();
  const uint32_t activation = dispatch.constants<Constants>().activation;
  const float* weights = dispatch.buffer<float>(Binding::weights);
  const TileMemory memory = tile_memory(TILE);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t row = group.y * TILE, column = group.x * TILE;
    if (row >= params.rows || column >= params.dimensions) continue;
    const TileShape shape = {minimum(TILE, params.rows - row), minimum(TILE, params.dimensions - column), params.words};
    const int8_t* codes = dispatch.buffer<int8_t>(Binding::codes) + size_t{row} * params.words * 4;
    multiply_slices(
        memory, shape,
        [&](uint32_t r, uint32_t first, uint32_t count, float* to) {
          // Sums of rows past the last are not looked at.
          fill_codes(codes + (size_t{minimum(r, shape.rows - 1)} * params.words + first) * 4, count, to);
        },
        [&](uint32_t c, uint32_t first, uint32_t count, float* panel) {
          pack_panel(weights + word_of(column + c, first, params.words), count, panel);
        });
    const float* bias = dispatch.buffer<float>(Binding::bias) + column;
    for (uint32_t r = 0; r < shape.rows; r++) {
      const float scale = dispatch.buffer<float>(Binding::scales)[row + r];
      const float* sums = memory.sums + size_t{r} * TILE;
      float* to = dispatch.buffer<float>(Binding::vectors) + size_t{row + r} * params.dimensions + column;
      for (uint32_t i = 0; i < shape.columns; i++) to[i] = scale * sums[i] + bias[i];
      activate_all(activation, to, shape.columns);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
