// y[row][o] = r * (activation row . weights[o]) + bias[o]; r = 1 / sqrt(mean square + epsilon), or 1 if not normalised.
// epilogue 0: results[row][first_column + o] = y. 3: results += y. 1: 3, and next = results * norm, an activation.
// 2: next = act(gate) * up, where even tiles of weights are gates, odd ones ups; activation 0 SiLU, 1 GELU (tanh).
// int weights take q8 activations, others float32 ones. One threadgroup: 32 outputs (a tile, or a pair of them when
// gated) of `columns` rows (1, 2, 4, 8, 16), WIDTH at a time. 16 SIMD-groups share the chunks of a row of weights.
#include "contracts/project_rows.h"

#include "common/activation.h"
#include "common/project_sums.h"
#include "common/project_total.h"
#include "common/store_block.h"

// What an output's epilogue reads besides its total.
struct Held {
  float bias, up_bias, result, norm;
};

inline Held held_of(device const float* bias, device const float* results, device const float* norm, uint output) {
  Held held = {0, 0, 0, 0};
  // Of gates and ups, biases lie as their tiles do.
  const uint first = epilogue == GATED ? output / 32 * 64 + output % 32 : output;
  if (with_bias == 1) held.bias = bias[first];
  if (with_bias == 1 && epilogue == GATED) held.up_bias = bias[first + 32];
  if (epilogue == ADD || epilogue == ADD_ALONE) held.result = results[output];
  if (epilogue == ADD) held.norm = norm[output];
  return held;
}

// A number of `next`, and what the squares are summed of; results[output] is written.
inline float2 finish(Held held, float2 total, device float* results, uint output) {
  if (epilogue == GATED) return float2(activate_gate(activation, total.x + held.bias) * (total.y + held.up_bias));
  const float result = total.x + held.bias + held.result;
  results[output] = result;
  return float2(result * held.norm, result);
}

[[max_total_threads_per_threadgroup(512)]] kernel void project_rows(
    device const uint4* quants [[buffer(0)]], device const half* scales [[buffer(1)]],
    device const uint4* values [[buffer(2)]], device const float4* blocks [[buffer(3)]],
    device const float* bias [[buffer(4)]], device const float* norm [[buffer(5)]], device float* results [[buffer(6)]],
    device uint* next_values [[buffer(7)]], device float4* next_blocks [[buffer(8)]],
    constant Params& params [[buffer(9)]], uint2 group [[threadgroup_position_in_grid]],
    uint slice [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float partial_sums[SLICES * 4 * 32], partial_squares[SLICES];
  const Weights weights = {quants, scales, params.row_blocks};
  Activations inputs = {values, blocks, group.y * columns, params.rows - 1, params.row_blocks};
  // Slice s finishes row s: what it needs for that travels meanwhile.
  const uint row = group.y * columns + slice, output = params.first_output + group.x * 32 + lane;
  const bool live = slice < columns && row < params.rows, within = live && output < params.outputs;
  device float* own_results = results + row * params.stride + params.first_column;
  Held held = {0, 0, 0, 0};
  if (within) held = held_of(bias, own_results, norm, output);
  if (normalised == 1) put_squares(partial_squares, inputs, slice, lane);
  float2 total = float2(0);  // of the first tile, of the second
  for (uint first = 0; first < columns; first += WIDTH) {
    const Sums sums = sum_chunks(inputs, weights, group.x * SETS, slice, lane);
    inputs.first_row += WIDTH;
    if (first > 0) threadgroup_barrier(mem_flags::mem_threadgroup);
    put_sums(partial_sums, sums, slice, lane);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (slice >= first && slice < first + WIDTH) total = total_of(partial_sums, slice - first, lane);
  }
  if (!live) return;
  if (normalised == 1) total *= rsqrt(squares_of(partial_squares, slice) / params.inputs + params.epsilon);
  const float2 number = within ? finish(held, total, own_results, output) : float2(0);
  const StoredBlocks next = {next_values, next_blocks, lane};
  if (epilogue == GATED || epilogue == ADD) next.store(row * params.next_stride + output / 32, number.x, number.y);
}
