// results[row][first_column + o] = inputs[row] . weights[o] (+ bias[first_bias + o] with_bias) (+ itself, epilogue 1).
// One threadgroup: tile_rows (at most 128) rows of inputs x 128 outputs. inputs: [row][blocks of 32], float32 or
// halves.
#include "contracts/project_matrix.h"

#include "common/matrix_tile.h"
#include "common/weight_values.h"

struct Sides {
  device const uint4* inputs;
  Weights weights;
  uint end_row, outputs;

  float4 a(uint row, uint chunk) const thread {
    if (row >= end_row) return float4(0);
    const uint at = row * weights.blocks * 8 + chunk;
    return half_input == 0 ? ((device const float4*)inputs)[at] : float4(((device const half4*)inputs)[at]);
  }

  float4 b(uint row, uint chunk) const thread { return row < outputs ? weights.values(row, chunk) : float4(0); }
};

[[max_total_threads_per_threadgroup(256)]] kernel void project_matrix(
    device const uint4* quants [[buffer(0)]], device const half* scales [[buffer(1)]],
    device const uint4* inputs [[buffer(2)]], device const float* bias [[buffer(3)]],
    device float* results [[buffer(4)]], constant Params& params [[buffer(5)]],
    uint2 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  const uint first_row = group.x * tile_rows, first_output = group.y * TILE;
  const uint end_row = min(params.rows, first_row + tile_rows);
  const Sides sides = {inputs, {quants, scales, params.blocks}, end_row, params.outputs};
  Tile tile(memory, t, false);
  sum_tile(tile, sides, first_row, first_output, params.blocks * 8);
  UNROLL for (uint r = 0; r < 8; r++) {
    const uint row = first_row + tile.row_of(r);
    if (row >= end_row) continue;
    device float* own = results + row * params.stride + params.first_column;
    UNROLL for (uint i = 0; i < 8; i++) {
      const uint column = first_output + tile.column_of(r, i / 4, i % 4);
      if (column >= params.outputs) continue;
      float value = tile.sums[r][i / 4][i % 4];
      if (with_bias == 1) value += bias[params.first_bias + column];
      own[column] = epilogue == 1 ? own[column] + value : value;
    }
  }
}
