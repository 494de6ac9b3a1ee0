// project_matrix on matrices of 8 x 8 halves with float32 sums. One threadgroup: tile_rows (32, 64 or 128) x 128
// outputs by 8 SIMD-groups, each with half of the rows and 32 outputs. A block of 32 numbers of both sides lies in
// threadgroup memory as halves; the next one is on its way while this one is multiplied.
#include "contracts/project_matrix_coop.h"

#include <metal_simdgroup_matrix>

#include "common/unroll.h"
#include "common/weight_halves.h"

// Of a row in threadgroup memory: 32 numbers, and 8 that keep rows on different banks.
constexpr constant uint PITCH = 40;
constexpr constant uint MOST_ROWS = 128;
constexpr constant uint TILE_OUTPUTS = 128;

// Matrices of a SIMD-group, one above another; four lie side by side.
constant uint ROW_PARTS = tile_rows / 16;

struct Product {
  device const uint4* inputs;
  Weights weights;
  uint first_row, last_row, first_output, last_output;
};

inline uint4 halves_of(uint4 low, uint4 high) {
  return uint4(as_type<uint2>(half4(as_type<float4>(low))), as_type<uint2>(half4(as_type<float4>(high))));
}

// Whether a thread loads numbers of the i-th 64 rows of inputs.
inline bool has_row(uint i, uint t) { return tile_rows >= (i + 1) * 64 || i * 64 + t / 4 < tile_rows; }

// What a thread has on its way: 8 numbers each of one or two rows of inputs, 16 weights of one row.
struct Coming {
  uint4 words[2][2];
  HalfBlock weights;

  // Rows past the end are the last one again: their results are not kept.
  void fetch(Product from, uint block, uint t) thread {
    UNROLL for (uint i = 0; i < 2; i++) {
      if (!has_row(i, t)) continue;
      const uint row = min(from.first_row + t / 4 + 64 * i, from.last_row);
      const uint at = (row * from.weights.blocks + block) * 4 + t % 4;
      words[i][0] = from.inputs[half_input == 1 ? at : at * 2];
      if (half_input == 0) words[i][1] = from.inputs[at * 2 + 1];
    }
    weights.load(from.weights, min(from.first_output + t % 128, from.last_output), block, t / 128);
  }

  void keep(threadgroup half* left, threadgroup half* right, uint t) const thread {
    UNROLL for (uint i = 0; i < 2; i++) {
      if (!has_row(i, t)) continue;
      threadgroup uint4* own = (threadgroup uint4*)(left + (t / 4 + 64 * i) * PITCH);
      own[t % 4] = half_input == 1 ? words[i][0] : halves_of(words[i][0], words[i][1]);
    }
    threadgroup half4* own = (threadgroup half4*)(right + t % 128 * PITCH) + t / 128 * 4;
    UNROLL for (uint i = 0; i < 4; i++) own[i] = weights.four(i);
  }
};

struct Sums {
  simdgroup_float8x8 parts[8][4];

  // left and right: from the SIMD-group's first row and output on. `live_parts` matrices of rows have some, all where
  // `full`.
  template <bool full>
  void add(threadgroup const half* left, threadgroup const half* right, uint live_parts) thread {
    UNROLL for (uint k = 0; k < 32; k += 8) {
      simdgroup_half8x8 a, b[4];
      UNROLL for (uint j = 0; j < 4; j++) simdgroup_load(b[j], right + j * 8 * PITCH + k, PITCH, ulong2(0), true);
      UNROLL for (uint i = 0; i < 8; i++) {
        if (i >= ROW_PARTS || (!full && i >= live_parts)) continue;
        simdgroup_load(a, left + i * 8 * PITCH + k, PITCH);
        UNROLL for (uint j = 0; j < 4; j++) simdgroup_multiply_accumulate(parts[i][j], a, b[j], parts[i][j]);
      }
    }
  }
};

// Where the results of a SIMD-group go: its first row and output, and how many of each are there.
struct Place {
  device float* results;
  device const float* bias;
  uint stride, rows, outputs;

  void put_whole(thread Sums& sums) const thread {
    UNROLL for (uint i = 0; i < 8; i++) {
      if (i >= ROW_PARTS) continue;
      UNROLL for (uint j = 0; j < 4; j++) {
        device float* own = results + i * 8 * stride + j * 8;
        simdgroup_float8x8 before = simdgroup_float8x8(0);
        if (epilogue == 1) simdgroup_load(before, own, stride);
        UNROLL for (uint n = 0; n < 2; n++) before.thread_elements()[n] += sums.parts[i][j].thread_elements()[n];
        simdgroup_store(before, own, stride);
      }
    }
  }

  // By way of the SIMD-group's own part of threadgroup memory, 8 rows of 32 outputs.
  void put_by_number(thread Sums& sums, threadgroup float* own, uint lane) const thread {
    UNROLL for (uint i = 0; i < 8; i++) {
      if (i >= ROW_PARTS) continue;
      simdgroup_barrier(mem_flags::mem_threadgroup);
      UNROLL for (uint j = 0; j < 4; j++) simdgroup_store(sums.parts[i][j], own + j * 8, 32);
      simdgroup_barrier(mem_flags::mem_threadgroup);
      for (uint r = 0; r < 8 && i * 8 + r < rows && lane < outputs; r++) {
        device float* result = results + (i * 8 + r) * stride + lane;
        const float value = own[r * 32 + lane] + (with_bias == 1 ? bias[lane] : 0);
        *result = epilogue == 1 ? *result + value : value;
      }
    }
  }
};

[[max_total_threads_per_threadgroup(256)]] kernel void project_matrix_coop(
    device const uint4* quants [[buffer(0)]], device const half* scales [[buffer(1)]],
    device const uint4* inputs [[buffer(2)]], device const float* bias [[buffer(3)]],
    device float* results [[buffer(4)]], constant Params& params [[buffer(5)]],
    uint2 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint4 memory[(MOST_ROWS + TILE_OUTPUTS) * PITCH / 8];
  threadgroup half* left = (threadgroup half*)memory;
  threadgroup half* right = left + MOST_ROWS * PITCH;
  const uint slice = t / 32, part_row = slice / 4 * (tile_rows / 2), part_output = slice % 4 * 32;
  const uint row = group.x * tile_rows, output = group.y * TILE_OUTPUTS;
  const uint first_row = row + part_row, first_output = output + part_output;
  const uint live_rows = max(params.rows, first_row) - first_row, live_parts = min((live_rows + 7) / 8, ROW_PARTS);
  const Product product = {inputs, {quants, scales, params.blocks}, row, params.rows - 1, output, params.outputs - 1};
  Sums sums;
  UNROLL for (uint i = 0; i < 32; i++) sums.parts[i / 4][i % 4] = simdgroup_float8x8(0);
  Coming coming;
  coming.fetch(product, 0, t);
  for (uint block = 0; block < params.blocks; block++) {
    coming.keep(left, right, t);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    // Behind the last block comes that again, for nothing: without a branch.
    coming.fetch(product, min(block + 1, params.blocks - 1), t);
    if (live_parts == ROW_PARTS) {
      sums.add<true>(left + part_row * PITCH, right + part_output * PITCH, live_parts);
    } else if (live_parts > 0) {
      sums.add<false>(left + part_row * PITCH, right + part_output * PITCH, live_parts);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (live_rows == 0 || first_output >= params.outputs) return;
  const Place place = {results + first_row * params.stride + params.first_column + first_output,
                       bias + params.first_bias + first_output, params.stride, live_rows,
                       params.outputs - first_output};
  if (with_bias == 0 && place.rows >= tile_rows / 2 && place.outputs >= 32) {
    place.put_whole(sums);
  } else {
    place.put_by_number(sums, (threadgroup float*)memory + slice * 256, t % 32);
  }
}
