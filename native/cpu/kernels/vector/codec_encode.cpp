// latent = activate(weights x + bias), scaled to length 1 when normalize; scale = max|latent| / 127, code = latent /
// scale. A workgroup does 128 vectors against all latent dimensions.
#include "contracts/codec_encode.hpp"

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/matrix_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::codec_encode::Binding;
using contract::codec_encode::Constants;
using contract::codec_encode::Params;

bool finite(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & 0x7F800000u) != 0x7F800000u;
}

bool all_finite(const float* values, uint32_t count) {
  uint32_t bad = 0;
  for (uint32_t i = 0; i < count; i++) bad |= !finite(values[i]);
  return bad == 0;
}

void reject(const Dispatch& dispatch, uint32_t row) {
  uint32_t* first = dispatch.buffer<uint32_t>(Binding::first_invalid);
  uint32_t seen = __atomic_load_n(first, __ATOMIC_RELAXED);
  while (row < seen && !__atomic_compare_exchange_n(first, &seen, row, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

void fill_vector(const float* vector, uint32_t dimensions, uint32_t first, uint32_t count, float* to) {
  for (uint32_t chunk = first; chunk < first + count; chunk++, to += CHUNK_STRIDE) {
    const uint32_t present = minimum(4, dimensions - chunk * 4);
    if (present < 4) store(to, Quad{});
    copy_words(to, vector + chunk * 4, present);
  }
}

void quantize_row(const Dispatch& dispatch, float* latent, uint32_t row, bool normalize) {
  const uint32_t count = dispatch.params<Params>().latent_dimensions;
  float largest = 0, squares = 0;
  for (uint32_t i = 0; i < count; i++) {
    const float size = __builtin_fabsf(latent[i]);
    largest = size > largest ? size : largest;
    squares += size * size;
  }
  if (!all_finite(latent, count) || (normalize && !finite(squares))) reject(dispatch, row);
  const float size = normalize && squares > 0 ? ::sqrtf(squares) : 1;
  dispatch.buffer<float>(Binding::scales)[row] = largest / 127 / size;
  const uint32_t bytes = (count + 3) / 4 * 4;
  int8_t* codes = dispatch.buffer<int8_t>(Binding::codes) + size_t{row} * bytes;
  for (uint32_t i = 0; i < bytes; i++) {
    const float units = i < count && largest > 0 ? ::floorf(latent[i] / largest * 127 + 0.5f) : 0;
    codes[i] = static_cast<int8_t>(units > 127 ? 127 : units > -127 ? units : -127);
  }
}

}  // namespace

void codec_encode(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params params = dispatch.params<Params>();
  const Constants constants = dispatch.constants<Constants>();
  const uint32_t chunks = (params.dimensions + 3) / 4, latent = params.latent_dimensions;
  const float* weights = dispatch.buffer<float>(Binding::weights);
  const float* bias = dispatch.buffer<float>(Binding::bias);
  const TileMemory memory = tile_memory((latent + TILE - 1) / TILE * TILE);
  for (uint32_t w = begin; w < end; w++) {
    const uint32_t row = workgroup_at(dispatch, w).x * TILE;
    if (row >= params.rows) continue;
    const TileShape shape = {minimum(TILE, params.rows - row), latent, chunks};
    const float* vectors = dispatch.buffer<float>(Binding::vectors) + size_t{row} * params.dimensions;
    multiply_slices(
        memory, shape,
        [&](uint32_t r, uint32_t first, uint32_t count, float* to) {
          const float* vector = vectors + size_t{minimum(r, shape.rows - 1)} * params.dimensions;
          fill_vector(vector, params.dimensions, first, count, to);
        },
        [&](uint32_t c, uint32_t first, uint32_t count, float* panel) {
          pack_panel(weights + word_of(c, first, chunks), count, panel);
        });
    for (uint32_t r = 0; r < shape.rows; r++) {
      float* sums = memory.sums + size_t{r} * memory.stride;
      for (uint32_t i = 0; i < latent; i++) sums[i] += bias[i];
      activate_all(constants.activation, sums, latent);
      if (!all_finite(vectors + size_t{r} * params.dimensions, params.dimensions)) reject(dispatch, row + r);
      quantize_row(dispatch, sums, row + r, constants.normalize != 0);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
