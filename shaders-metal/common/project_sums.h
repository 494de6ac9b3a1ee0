// What a lane of project_rows adds up: of its chunk of four neighbouring ones (lane / 8), rows r, r + 8, r + 16, r + 24
// of each tile (r = lane % 8) times WIDTH rows of activations, each of which is unpacked once for four weights or more.
// The constants of project_rows are needed; split, ahead and unrolled are for other GPUs.
#include "common/byte_halves.h"
#include "common/unroll.h"
#include "common/weight_values.h"

constexpr constant uint SLICES = 16;  // SIMD-groups of a threadgroup
enum Epilogue : uint { STORE, ADD, GATED, ADD_ALONE };
constant uint SETS = epilogue == GATED ? 2 : 1;  // tiles
constant uint WIDTH = columns < 4 / SETS ? columns : 4 / SETS;

// Loops of a known length, so that arrays stay in registers; the constants cut off what is not there.
#define SETS_LOOP UNROLL for (uint s = 0; s < 2; s++) if (s < SETS)
#define WIDTH_LOOP UNROLL for (uint c = 0; c < 4; c++) if (c < WIDTH)
#define ROWS_LOOP UNROLL for (uint r = 0; r < 4; r++)

struct Sums {
  float4 rows[2][4];  // [tile][row of activations][row of weights]
};

// Rows of activations, from first_row on; past the last one that is repeated.
struct Activations {
  device const uint4* values;
  device const float4* blocks;
  uint first_row, last_row, row_blocks;

  uint row(uint column) const thread { return min(first_row + column, last_row) * row_blocks; }
};

inline float add_dot(float sum, float4 a, float4 b) {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

inline float sum_of(half4 four) { return float(four.x + four.y + (four.z + four.w)); }

// A chunk of quants of each row of weights.
struct Quants {
  uint4 words[2][4];
  float4 scale[2], least[2];

  void load(Weights weights, uint first_tile, uint chunk, uint lane) thread {
    const uint block = chunk / BLOCK_CHUNKS, half_block = chunk % BLOCK_CHUNKS;
    SETS_LOOP ROWS_LOOP {
      const uint tile = first_tile + s, row = lane % 8 + 8 * r;
      words[s][r] = weights.quants[chunk_at(tile, weights.blocks, chunk, row)];
      const float2 line = scale_of(load_scale(weights.scales, tile, weights.blocks, block, row), half_block);
      scale[s][r] = line.x;
      least[s][r] = line.y;
    }
  }
};

// Quants against signed bytes. Quants carry 1024 (int8: 1152), which comes off in the end: until then sums are whole
// numbers below 2^24. High halves of int4 are 16 times too large, and their activations that much smaller.
inline void add_quants(thread Sums& sums, Activations inputs, thread const Quants& quants, uint chunk) {
  uint4 low[4], high[4];
  float input_scale[4];
  WIDTH_LOOP {
    const uint at = inputs.row(c) + chunk / BLOCK_CHUNKS;
    low[c] = inputs.values[2 * at + chunk % BLOCK_CHUNKS];
    if (kind == INT4) high[c] = inputs.values[2 * at + 1];
    input_scale[c] = inputs.blocks[at].x;
  }
  Sums products = {};
  float low_total[4] = {}, high_total[4] = {};  // of activations, as they are multiplied
  UNROLL for (uint w = 0; w < 4; w++) {
    half4 low_input[4], high_input[4];
    WIDTH_LOOP {
      low_input[c] = signed_bytes(low[c][w], 1.0h);
      low_total[c] += sum_of(low_input[c]);
      if (kind == INT4) high_input[c] = signed_bytes(high[c][w], 0.0625h);
      if (kind == INT4) high_total[c] += sum_of(high_input[c]);
    }
    SETS_LOOP ROWS_LOOP {
      const uint word = kind == INT4 ? quants.words[s][r][w] : quants.words[s][r][w] ^ 0x80808080;
      const float4 low_quant = float4(masked_bytes(word, kind == INT4 ? 0x000F000F : 0x00FF00FF));
      const float4 high_quant = float4(masked_bytes(word, 0x00F000F0));
      WIDTH_LOOP {
        float product = add_dot(products.rows[s][c][r], low_quant, float4(low_input[c]));
        if (kind == INT4) product = add_dot(product, high_quant, float4(high_input[c]));
        products.rows[s][c][r] = product;
      }
    }
  }
  SETS_LOOP WIDTH_LOOP {
    const float offset = kind == INT4 ? 1024 * (low_total[c] + high_total[c]) : 1152 * low_total[c];
    const float total = low_total[c] + 16 * high_total[c];
    const float4 own = fma(quants.scale[s], products.rows[s][c] - offset, quants.least[s] * total);
    sums.rows[s][c] = fma(float4(input_scale[c]), own, sums.rows[s][c]);
  }
}

// Chunks of numbers, eight (float32: four) of a row.
inline void add_numbers(thread Sums& sums, Activations inputs, Weights weights, uint first_tile, uint chunk,
                        uint lane) {
  uint4 words[2][4];
  SETS_LOOP ROWS_LOOP {
    words[s][r] = weights.quants[chunk_at(first_tile + s, weights.blocks, chunk, lane % 8 + 8 * r)];
  }
  device const float4* numbers = (device const float4*)inputs.values;
  WIDTH_LOOP {
    const uint at = inputs.row(c) * 8 + chunk * (8 / BLOCK_CHUNKS);
    const float4 low = numbers[at], high = kind == F32 ? float4(0) : numbers[at + 1];
    SETS_LOOP ROWS_LOOP {
      const uint4 word = words[s][r];
      const float sum = add_dot(sums.rows[s][c][r], kind == F32 ? as_type<float4>(word) : narrow_values(word.xy), low);
      sums.rows[s][c][r] = kind == F32 ? sum : add_dot(sum, narrow_values(word.zw), high);
    }
  }
}

inline Sums sum_chunks(Activations inputs, Weights weights, uint first_tile, uint slice, uint lane) {
  Sums sums = {};
  for (uint chunk = slice * 4 + lane / 8; chunk < weights.blocks * BLOCK_CHUNKS; chunk += SLICES * 4) {
    if (kind == INT4 || kind == INT8) {
      Quants quants;
      quants.load(weights, first_tile, chunk, lane);
      add_quants(sums, inputs, quants, chunk);
    } else {
      add_numbers(sums, inputs, weights, first_tile, chunk, lane);
    }
  }
  return sums;
}
