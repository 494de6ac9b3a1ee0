// result[m][n] = activate(sum over k of a[m][k] b[n][k] + bias[n]); both sides strided, so any of them may be
// transposed. One threadgroup: 128 x 128 results. combine 1 multiplies by the activation's slope at other[m][n], 2
// subtracts other.
#include "contracts/dense_layer.h"

#include "common/activation.h"
#include "common/matrix_tile.h"

// A chunk of `live` numbers, `step` apart; activations of nothing are nothing.
inline float4 fetch(device const float* from, uint step, uint live, bool activated) {
  float4 values = float4(0);
  UNROLL for (uint i = 0; i < 4; i++) {
    if (i < live) values[i] = activated ? activate(activation, from[i * step]) : from[i * step];
  }
  return values;
}

struct Sides {
  device const float* left;
  device const float* right;
  constant Params& params;

  float4 a(uint row, uint chunk) const thread {
    if (row >= params.rows) return float4(0);
    const uint first = row * params.a_row + chunk * 4 * params.a_step;
    return fetch(left + first, params.a_step, params.depth - chunk * 4, activate_a == 1);
  }
  float4 b(uint row, uint chunk) const thread {
    if (row >= params.columns) return float4(0);
    const uint first = row * params.b_row + chunk * 4 * params.b_step;
    return fetch(right + first, params.b_step, params.depth - chunk * 4, activate_b == 1);
  }
};

[[max_total_threads_per_threadgroup(256)]] kernel void dense_layer(
    device const float* a [[buffer(0)]], device const float* b [[buffer(1)]], device const float* bias [[buffer(2)]],
    device const float* other [[buffer(3)]], device float* result [[buffer(4)]], constant Params& params [[buffer(5)]],
    uint2 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  const uint first_row = group.y * TILE, first_column = group.x * TILE;
  Tile tile(memory, t, false);
  const Sides sides = {a, b, params};
  sum_tile(tile, sides, first_row, first_column, (params.depth + 3) / 4);
  UNROLL for (uint r = 0; r < 8; r++) {
    UNROLL for (uint h = 0; h < 2; h++) {
      UNROLL for (uint i = 0; i < 4; i++) {
        const uint row = first_row + tile.row_of(r), column = first_column + tile.column_of(r, h, i);
        if (row >= params.rows || column >= params.columns) continue;
        const uint place = row * params.columns + column;
        float value = tile.sums[r][h][i];
        if (with_bias == 1) value += bias[column];
        if (activate_result == 1) value = activate(activation, value);
        if (combine == 1) value *= activation_slope(activation, other[place]);
        if (combine == 2) value -= other[place];
        result[place] = value;
      }
    }
  }
}
