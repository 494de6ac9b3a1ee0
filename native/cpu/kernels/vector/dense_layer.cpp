// result = activate(a b^T + bias), both sides strided; combine 1 multiplies by the activation's slope at `other`,
// 2 subtracts `other`. A workgroup does 128 x 128 results.
#include "contracts/dense_layer.hpp"

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/matrix_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::dense_layer::Binding;
using contract::dense_layer::Constants;
using contract::dense_layer::Params;

// One side: number k of row r is data[r * row + k * step].
struct Side {
  const float* data;
  uint32_t rows, depth, row, step, activation;

  float at(uint32_t r, uint32_t k) const {
    return r < rows && k < depth ? activate(activation, data[size_t{r} * row + size_t{k} * step]) : 0;
  }
};

void fill_row(const Side& side, uint32_t row, uint32_t first, uint32_t count, float* to) {
  for (uint32_t chunk = 0; chunk < count; chunk++, to += CHUNK_STRIDE) {
    for (uint32_t i = 0; i < 4; i++) to[i] = side.at(row, (first + chunk) * 4 + i);
  }
}

void fill_panel(const Side& side, uint32_t row, uint32_t first, uint32_t count, float* panel) {
  const bool whole = side.row == 1 && side.activation == 0 && row + PANEL <= side.rows;
  for (uint32_t k = 0; k < count * 4; k++, panel += PANEL) {
    if (whole && first * 4 + k < side.depth) {
      std::memcpy(panel, side.data + size_t{first * 4 + k} * side.step + row, PANEL * sizeof(float));
    } else {
      for (uint32_t lane = 0; lane < PANEL; lane++) panel[lane] = side.at(row + lane, first * 4 + k);
    }
  }
}

void finish_row(const Dispatch& dispatch, const Constants& constants, float* sums, uint32_t row, uint32_t first,
                uint32_t count) {
  const size_t at = size_t{row} * dispatch.params<Params>().columns + first;
  const float* bias = dispatch.buffer<float>(Binding::bias) + first;
  const float* other = dispatch.buffer<float>(Binding::other) + at;
  if (constants.with_bias) {
    for (uint32_t i = 0; i < count; i++) sums[i] += bias[i];
  }
  if (constants.activate_result) activate_all(constants.activation, sums, count);
  if (constants.combine == 1) {
    for (uint32_t i = 0; i < count; i++) sums[i] *= activation_slope(constants.activation, other[i]);
  } else if (constants.combine == 2) {
    for (uint32_t i = 0; i < count; i++) sums[i] -= other[i];
  }
  std::memcpy(dispatch.buffer<float>(Binding::result) + at, sums, count * sizeof(float));
}

}  // namespace

void dense_layer(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params params = dispatch.params<Params>();
  const Constants constants = dispatch.constants<Constants>();
  const Side a = {dispatch.buffer<float>(Binding::a),
                  params.rows,
                  params.depth,
                  params.a_row,
                  params.a_step,
                  constants.activate_a ? constants.activation : 0};
  const Side b = {dispatch.buffer<float>(Binding::b),
                  params.columns,
                  params.depth,
                  params.b_row,
                  params.b_step,
                  constants.activate_b ? constants.activation : 0};
  const TileMemory memory = tile_memory(TILE);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t row = group.y * TILE, column = group.x * TILE;
    if (row >= params.rows || column >= params.columns) continue;
    const TileShape shape = {minimum(TILE, params.rows - row), minimum(TILE, params.columns - column),
                             (params.depth + 3) / 4};
    multiply_slices(
        memory, shape,
        [&](uint32_t r, uint32_t first, uint32_t count, float* to) { fill_row(a, row + r, first, count, to); },
        [&](uint32_t c, uint32_t first, uint32_t count, float* panel) {
          fill_panel(b, column + c, first, count, panel);
        });
    for (uint32_t r = 0; r < shape.rows; r++)
      finish_row(dispatch, constants, memory.sums + size_t{r} * TILE, row + r, column, shape.columns);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
