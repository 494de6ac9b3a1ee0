// Rows of activations times rows of weights, with the epilogues store, add and gated: see the shader for the contract.
// A workgroup does 32 outputs (a tile of weights; a pair of them when gated) of `columns` rows of activations.
#include "contracts/project_rows.hpp"

#include <cmath>

#include "cpu/kernels/common/activation.hpp"
#include "cpu/kernels/common/project_sums.hpp"
#include "cpu/kernels/common/store_block.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::project_rows::Binding;
using contract::project_rows::Constants;
using contract::project_rows::Params;

enum Epilogue : uint32_t { STORE, ADD, GATED, ADD_ALONE };

ProjectTile tile_at(const Dispatch& dispatch, uint32_t tile) {
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t blocks = dispatch.params<Params>().row_blocks;
  const WeightKind kind = static_cast<WeightKind>(constants.kind);
  const WeightScaling scaling = static_cast<WeightScaling>(constants.scaling);
  const uint32_t chunks = kind == WeightKind::int4 ? 1 : kind == WeightKind::int8 ? 2 : kind == WeightKind::f32 ? 8 : 4;
  const uint32_t quad_bytes = scaling == WeightScaling::none ? 0 : scaling == WeightScaling::symmetric ? 8 : 16;
  return {kind, scaling, dispatch.buffer<uint8_t>(Binding::quants) + size_t{tile} * blocks * chunks * 512,
          dispatch.buffer<uint8_t>(Binding::scales) + size_t{tile} * ((blocks + 3) / 4) * quad_bytes * 32, blocks};
}

// Up to 8 activation rows; past the last one it is repeated.
ProjectInputs inputs_at(const Dispatch& dispatch, uint32_t first) {
  const Params& params = dispatch.params<Params>();
  const bool bytes = dispatch.constants<Constants>().kind >= static_cast<uint32_t>(WeightKind::int8);
  ProjectInputs inputs;
  for (uint32_t c = 0; c < 8; c++) {
    const size_t block = size_t{minimum(first + c, params.rows - 1)} * params.row_blocks;
    inputs.values[c] = dispatch.buffer<uint8_t>(Binding::values) + block * (bytes ? 32 : 128);
    inputs.blocks[c] = dispatch.buffer<float>(Binding::blocks) + block * 4;
  }
  return inputs;
}

float factor_of(const float* blocks, const Params& params) {
  float sum = 0;
  for (uint32_t block = 0; block < params.row_blocks; block++) sum += blocks[block * 4 + 2];
  return 1 / std::sqrt(sum / params.inputs + params.epsilon);
}

float act(uint32_t activation, float x) {
  return activation == 0 ? x / (1 + ::expf(-x)) : 0.5f * x * (1 + gelu_tanh(x));
}

// `totals` of 32 outputs from `first` on (and of their ups); the results of one row.
void finish(const Dispatch& dispatch, uint32_t row, uint32_t first, float* totals, const float* ups) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t count = first < params.outputs ? minimum(32, params.outputs - first) : 0;
  float* results = dispatch.buffer<float>(Binding::results) + size_t{row} * params.stride + params.first_column + first;
  if (constants.epilogue == STORE) {
    std::memcpy(results, totals, count * sizeof(float));
    return;
  }
  if (constants.epilogue == ADD_ALONE) {
    for (uint32_t i = 0; i < count; i++) results[i] += totals[i];
    return;
  }
  float numbers[32] = {}, before[32] = {};
  for (uint32_t i = 0; i < count; i++) {
    if (constants.epilogue == ADD) {
      before[i] = results[i] += totals[i];
      numbers[i] = before[i] * dispatch.buffer<float>(Binding::norm)[first + i];
    } else {
      before[i] = numbers[i] = act(constants.activation, totals[i]) * ups[i];
    }
  }
  const StoredBlocks next = {constants.form, dispatch.buffer<uint8_t>(Binding::next_values),
                             dispatch.buffer<float>(Binding::next_blocks)};
  next.store(size_t{row} * params.next_stride + first / 32, numbers, squares_of(before));
}

// Up to 8 rows of activations from `row` on.
void project(const Dispatch& dispatch, uint32_t group, uint32_t row, uint32_t columns) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const ProjectInputs inputs = inputs_at(dispatch, row);
  const uint32_t sets = constants.epilogue == GATED ? 2 : 1, first = params.first_output + group * 32;
  float totals[2][8][32];
  for (uint32_t set = 0; set < sets; set++) {
    const ProjectTile tile = tile_at(dispatch, group * sets + set);
    if (has_vnni()) {
      multiply_tile<true>(columns, tile, inputs, totals[set]);
    } else {
      multiply_tile<false>(columns, tile, inputs, totals[set]);
    }
  }
  for (uint32_t c = 0; c < minimum(columns, params.rows - row); c++) {
    const float factor = constants.normalised ? factor_of(inputs.blocks[c], params) : 1;
    for (uint32_t set = 0; set < sets; set++) {
      const float* bias = dispatch.buffer<float>(Binding::bias) + first * sets + set * 32;
      for (uint32_t i = 0; i < 32; i++) totals[set][c][i] *= factor;
      if (!constants.with_bias) continue;
      for (uint32_t i = 0; i < 32 && first + i < params.outputs; i++) totals[set][c][i] += bias[i];
    }
    finish(dispatch, row + c, first, totals[0][c], totals[1][c]);
  }
}

}  // namespace

void project_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const uint32_t columns = dispatch.constants<Constants>().columns;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t last = minimum(dispatch.params<Params>().rows, (group.y + 1) * columns);
    for (uint32_t row = group.y * columns; row < last; row += 8) project(dispatch, group.x, row, minimum(columns, 8));
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
