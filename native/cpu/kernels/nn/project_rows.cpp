// Rows of activations times rows of weights, with the epilogues store, add and gated: see the shader for the contract.
// A workgroup does 32 outputs (a tile of weights; a pair of them when gated) of `columns` rows of activations.
#include "contracts/project_rows.hpp"

#include <cmath>

#include "cpu/kernels/common/exponential.hpp"
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

// Rows of activations from `row` on, and the factors that their norms lack.
struct PreparedRows {
  ProjectInputs inputs;
  float factors[MOST_COLUMNS];
};

float factor_of(const float* blocks, const Params& params) {
  float sum = 0;
  for (uint32_t block = 0; block < params.row_blocks; block++) sum += blocks[block * 4 + 2];
  return 1 / std::sqrt(sum / params.inputs + params.epsilon);
}

void prepare_rows(const Dispatch& dispatch, uint32_t row, PreparedRows& rows) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const bool bytes = constants.kind >= static_cast<uint32_t>(WeightKind::int8);
  rows.inputs.columns = minimum(minimum(constants.columns, MOST_COLUMNS), params.rows - row);
  AboutBlock* about = bytes ? scratch<AboutBlock>(size_t{MOST_COLUMNS} * params.row_blocks) : nullptr;
  for (uint32_t c = 0; c < rows.inputs.columns; c++) {
    const size_t block = size_t{row + c} * params.row_blocks;
    const float* blocks = dispatch.buffer<float>(Binding::blocks) + block * 4;
    rows.inputs.values[c] = dispatch.buffer<uint8_t>(Binding::values) + block * (bytes ? 32 : 128);
    rows.factors[c] = constants.normalised ? factor_of(blocks, params) : 1;
    if (!bytes) continue;
    rows.inputs.about[c] = about + size_t{c} * params.row_blocks;
    prepare(static_cast<WeightKind>(constants.kind), static_cast<WeightScaling>(constants.scaling), params.row_blocks,
            rows.inputs.values[c], blocks, about + size_t{c} * params.row_blocks);
  }
}

Floats act(uint32_t activation, Floats x) {
  return sigmoid_of(x, activation == 0 ? x : 1.5957691216f * (x + 0.044715f * x * x * x));
}

// numbers = act(gates) * ups, of the first `count`.
void gate(uint32_t activation, const float* gates, const float* ups, uint32_t count, float* numbers) {
  for (uint32_t i = 0; i < 32; i += LANES)
    store(numbers + i, act(activation, load<Floats>(gates + i)) * load<Floats>(ups + i));
  for (uint32_t i = count; i < 32; i++) numbers[i] = 0;
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
  float numbers[32] = {}, sums[32] = {};
  const float* before = constants.epilogue == ADD ? sums : numbers;
  if (constants.epilogue == ADD) {
    const float* norm = dispatch.buffer<float>(Binding::norm) + first;
    for (uint32_t i = 0; i < count; i++) sums[i] = results[i] += totals[i];
    for (uint32_t i = 0; i < count; i++) numbers[i] = sums[i] * norm[i];
  } else {
    gate(constants.activation, totals, ups, count, numbers);
  }
  const StoredBlocks next = {constants.form, dispatch.buffer<uint8_t>(Binding::next_values),
                             dispatch.buffer<float>(Binding::next_blocks)};
  next.store(size_t{row} * params.next_stride + first / 32, numbers, squares_of(before));
}

void project(const Dispatch& dispatch, uint32_t group, uint32_t row, const PreparedRows& rows) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t sets = constants.epilogue == GATED ? 2 : 1, first = params.first_output + group * 32;
  float totals[2][MOST_COLUMNS][32];
  for (uint32_t set = 0; set < sets; set++)
    multiply_tile(tile_at(dispatch, group * sets + set), rows.inputs, totals[set]);
  for (uint32_t c = 0; c < rows.inputs.columns; c++) {
    for (uint32_t set = 0; set < sets; set++) {
      const float* bias = dispatch.buffer<float>(Binding::bias) + first * sets + set * 32;
      for (uint32_t i = 0; i < 32; i++) totals[set][c][i] *= rows.factors[c];
      if (!constants.with_bias) continue;
      for (uint32_t i = 0; i < 32 && first + i < params.outputs; i++) totals[set][c][i] += bias[i];
    }
    finish(dispatch, row + c, first, totals[0][c], totals[1][c]);
  }
}

}  // namespace

void project_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const uint32_t columns = dispatch.constants<Constants>().columns;
  PreparedRows rows;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    if (w == begin || group.x == 0) prepare_rows(dispatch, group.y * columns, rows);
    project(dispatch, group.x, group.y * columns, rows);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
