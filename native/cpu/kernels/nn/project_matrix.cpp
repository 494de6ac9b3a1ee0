// results = inputs . weights (+ bias), or added to what is there, with weights of any kind made numbers panel by panel.
// A workgroup does tile_rows rows of inputs and 128 outputs.
#include "contracts/project_matrix.hpp"

#include "cpu/kernels/common/matrix_tile.hpp"
#include "cpu/kernels/common/weight_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::project_matrix::Binding;
using contract::project_matrix::Constants;
using contract::project_matrix::Params;

struct Inputs {
  const uint8_t* data;
  uint32_t rows, chunks;
  bool halves;

  // A row's chunks [first, first + count), CHUNK_STRIDE apart.
  void fill(uint32_t row, uint32_t first, uint32_t count, float* to) const {
    const size_t at = size_t{row} * chunks + first;
    for (uint32_t i = 0; i < count; i++, to += CHUNK_STRIDE) {
      Quad quad{};
      if (row < rows)
        quad = halves ? from_halves(load<HalfQuad>(data + (at + i) * 8)) : load<Quad>(data + (at + i) * 16);
      store(to, quad);
    }
  }
};

// PANEL rows of weights, transposed; their tile holds 32, so there are as many.
void fill_panel(const WeightTiles& weights, uint32_t row, uint32_t first, uint32_t count, float* panel) {
  if (weights.kind == WeightKind::f32) {
    const float* numbers = reinterpret_cast<const float*>(weights.quants);
    pack_panel(numbers + word_of(row, first, weights.blocks * 8), count, panel);
    return;
  }
  for (uint32_t chunk = 0; chunk < count; chunk++, panel += 4 * PANEL) {
    for (int lane = 0; lane < PANEL; lane += 4) {
      Quad quads[4];
      for (int i = 0; i < 4; i++) quads[i] = weights.at(row + lane + i, first + chunk);
      transpose(quads[0], quads[1], quads[2], quads[3]);
      for (int i = 0; i < 4; i++) store(panel + i * PANEL + lane, quads[i]);
    }
  }
}

void finish_row(const Dispatch& dispatch, const float* sums, uint32_t row, uint32_t column, uint32_t count) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const float* bias = dispatch.buffer<float>(Binding::bias) + params.first_bias + column;
  const size_t at = size_t{row} * params.stride + params.first_column + column;
  float* results = dispatch.buffer<float>(Binding::results) + at;
  for (uint32_t i = 0; i < count; i++) {
    const float value = constants.with_bias ? sums[i] + bias[i] : sums[i];
    results[i] = constants.epilogue == 1 ? results[i] + value : value;
  }
}

}  // namespace

void project_matrix(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const Inputs inputs = {dispatch.buffer<uint8_t>(Binding::inputs), params.rows, params.blocks * 8,
                         constants.half_input == 1};
  const WeightTiles weights = {static_cast<WeightKind>(constants.kind), static_cast<WeightScaling>(constants.scaling),
                               dispatch.buffer<uint8_t>(Binding::quants), dispatch.buffer<uint8_t>(Binding::scales),
                               params.blocks};
  const TileMemory memory = tile_memory(TILE);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t row = group.x * constants.tile_rows, column = group.y * TILE;
    if (row >= params.rows || column >= params.outputs) continue;
    const TileShape shape = {minimum(constants.tile_rows, params.rows - row), minimum(TILE, params.outputs - column),
                             inputs.chunks};
    multiply_slices(
        memory, shape,
        [&](uint32_t r, uint32_t first, uint32_t count, float* to) { inputs.fill(row + r, first, count, to); },
        [&](uint32_t c, uint32_t first, uint32_t count, float* panel) {
          fill_panel(weights, column + c, first, count, panel);
        });
    for (uint32_t r = 0; r < shape.rows; r++)
      finish_row(dispatch, memory.sums + size_t{r} * TILE, row + r, column, shape.columns);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
