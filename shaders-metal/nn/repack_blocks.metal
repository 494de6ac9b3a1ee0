// Rows of quantised blocks, as GGUF files have them, become tiles of 32 rows (common/weights.h), bit for bit the same
// numbers. format: 0 Q8_0, 1 Q4_0, 2 Q4_1, 3 Q5_0, 4 Q5_1, 5 Q4_K, 6 Q5_K, 7 Q6_K.
// One threadgroup: 32 rows x 256 weights; source row r goes to tile first_tile + r / 32 * tile_step.
#include "contracts/repack_blocks.h"

#include "common/source_bytes.h"

enum Format : uint { Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K };

constant bool SUPER = format >= Q4_K;
constant bool INT4 = format == Q4_0 || format == Q4_1 || format == Q4_K;
constant bool SYMMETRIC = format == Q8_0 || format == Q4_0 || format == Q5_0;
constant uint BYTES = format == Q8_0   ? 34
                      : format == Q4_0 ? 18
                      : format == Q4_1 ? 20
                      : format == Q5_0 ? 22
                      : format == Q5_1 ? 24
                      : format == Q4_K ? 144
                      : format == Q5_K ? 176
                                       : 210;

// Where the 32 weights of a block, or the 256 that it is part of, begin.
inline uint place_of(constant Params& params, uint row, uint block) {
  const uint across = SUPER ? params.columns / 256 : params.columns / 32;
  return params.source_offset + (row * across + (SUPER ? block / 8 : block)) * BYTES;
}

// Bit i of the low four becomes bit 0 of byte i.
inline uint spread(uint bits) { return (bits & 15) * 0x00204081 & 0x01010101; }

inline uint low_half(uint word, uint half_byte) { return word >> 4 * half_byte & 0x0F0F0F0F; }

// Weights 4w to 4w + 3 of a block as bytes; of an int4 chunk weights 16 further in the high halves.
inline uint quants_at(device const uint* source, uint at, uint block, uint w) {
  const uint j = block % 8;
  if (format == Q8_0 || format == Q4_0) return word_at(source, at + 2 + 4 * w);
  if (format == Q4_1) return word_at(source, at + 4 + 4 * w);
  if (format == Q4_K) {
    const uint from = at + 16 + j / 2 * 32 + 4 * w;
    return low_half(word_at(source, from), j % 2) | low_half(word_at(source, from + 16), j % 2) << 4;
  }
  if (format == Q5_0) {
    // Minus 16: the fifth bit goes and its absence is the sign.
    const uint high = spread(word_at(source, at + 2) >> 4 * w);
    return low_half(word_at(source, at + 6 + w % 4 * 4), w / 4) | (high ^ 0x01010101) * 0xF0;
  }
  if (format == Q5_1) {
    const uint high = spread(word_at(source, at + 4) >> 4 * w);
    return low_half(word_at(source, at + 8 + w % 4 * 4), w / 4) | high << 4;
  }
  if (format == Q5_K) {
    const uint high = word_at(source, at + 16 + 4 * w) >> j & 0x01010101;
    return low_half(word_at(source, at + 48 + j / 2 * 32 + 4 * w), j % 2) | high << 4;
  }
  // Q6_K, minus 32 in the same way.
  const uint side = j / 4, k = j % 4;
  const uint high = word_at(source, at + 128 + side * 32 + 4 * w) >> 2 * k & 0x03030303;
  const uint low = low_half(word_at(source, at + side * 64 + k % 2 * 32 + 4 * w), k / 2);
  return low | (high & 0x01010101) << 4 | ((high >> 1 & 0x01010101) ^ 0x01010101) * 0xE0;
}

// Six bits each: the factors of scale and minimum of sub-block j, as two bytes.
inline uint factors_at(device const uint* source, uint at, uint j) {
  if (j < 4) return (byte_at(source, at + j) & 63) | (byte_at(source, at + j + 4) & 63) << 8;
  const uint low = byte_at(source, at + j + 4);
  const uint scale = (low & 15) | byte_at(source, at + j - 4) >> 6 << 4;
  return scale | (low >> 4 | byte_at(source, at + j) >> 6 << 4) << 8;
}

// Of four blocks, from block 4 * quad on.
inline uint4 scales_at(device const uint* source, constant Params& params, uint row, uint quad) {
  if (SUPER) {
    const uint from = place_of(params, row, quad * 4), j = quad % 2 * 4;
    if (format == Q6_K) {
      const uint factors = from + 192 + 2 * j;
      return uint4(word_at(source, factors), word_at(source, factors + 4), half_at(source, from + 208), 0);
    }
    const uint first = factors_at(source, from + 4, j) | factors_at(source, from + 4, j + 1) << 16;
    const uint second = factors_at(source, from + 4, j + 2) | factors_at(source, from + 4, j + 3) << 16;
    return uint4(first, second, word_at(source, from), 0);
  }
  uint4 words = uint4(0);
  for (uint b = 0; b < min(4u, params.columns / 32 - quad * 4); b++) {
    const uint from = place_of(params, row, quad * 4 + b);
    if (SYMMETRIC) {
      words[b / 2] |= half_at(source, from) << 16 * (b % 2);
    } else {
      words[b] = word_at(source, from);
    }
  }
  return words;
}

[[max_total_threads_per_threadgroup(256)]] kernel void repack_blocks(
    device const uint* source [[buffer(0)]], device uint4* quants [[buffer(1)]], device uint2* scales [[buffer(2)]],
    constant Params& params [[buffer(3)]], uint2 group [[threadgroup_position_in_grid]],
    uint slice [[simdgroup_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]]) {
  const uint row_blocks = params.columns / 32, row = group.y * 32 + lane;
  const uint tile = params.first_tile + group.y * params.tile_step;
  const bool within = row < params.rows;
  const uint quad = group.x * 2 + slice;
  if (slice < 2 && quad * 4 < row_blocks) {
    const uint at = (tile * ((row_blocks + 3) / 4) + quad) * 32 + lane;
    const uint4 words = within ? scales_at(source, params, row, quad) : uint4(0);
    if (SYMMETRIC) {
      scales[at] = words.xy;
    } else {
      ((device uint4*)scales)[at] = words;
    }
  }
  const uint block = group.x * 8 + slice, chunks = INT4 ? 1 : 2;
  if (block >= row_blocks) return;
  for (uint chunk = 0; chunk < chunks; chunk++) {
    uint4 words = uint4(0);
    for (uint w = 0; w < 4 && within; w++)
      words[w] = quants_at(source, place_of(params, row, block), block, chunk * 4 + w);
    quants[((tile * row_blocks + block) * chunks + chunk) * 32 + lane] = words;
  }
}
