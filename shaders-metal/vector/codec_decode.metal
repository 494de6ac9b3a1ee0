// vectors[r][n] = activate(scale[r] * sum over k of code[r][k] weights[n][k] + bias[n]).
// One threadgroup: 128 rows of codes (whole words) against 128 packed rows of weights.
#include "contracts/codec_decode.h"

#include "common/activation.h"
#include "common/index.h"
#include "common/matrix_tile.h"

struct Sides {
  device const uint* codes;
  device const float4* weights;
  constant Params& params;

  float4 a(uint row, uint chunk) const thread {
    const uint word = row < params.rows ? codes[row * params.words + chunk] : 0;
    return float4(as_type<char4>(word));
  }
  float4 b(uint row, uint chunk) const thread { return weights[packed_index(row, params.words, chunk)]; }
};

[[max_total_threads_per_threadgroup(256)]] kernel void codec_decode(
    device const uint* codes [[buffer(0)]], device const float* scales [[buffer(1)]],
    device const float4* weights [[buffer(2)]], device const float* bias [[buffer(3)]],
    device float* vectors [[buffer(4)]], constant Params& params [[buffer(5)]],
    uint2 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float4 memory[TILE_MEMORY];
  const uint first_row = group.y * TILE, first_column = group.x * TILE;
  Tile tile(memory, t, false);
  const Sides sides = {codes, weights, params};
  sum_tile(tile, sides, first_row, first_column, params.words);
  UNROLL for (uint r = 0; r < 8; r++) {
    const uint row = first_row + tile.row_of(r);
    if (row >= params.rows) continue;
    const float scale = scales[row];
    UNROLL for (uint h = 0; h < 2; h++) {
      UNROLL for (uint i = 0; i < 4; i++) {
        const uint column = first_column + tile.column_of(r, h, i);
        if (column >= params.dimensions) continue;
        vectors[row * params.dimensions + column] = activate(activation, fma(scale, tile.sums[r][h][i], bias[column]));
      }
    }
  }
}
