#version 460
// Rows of quantised blocks, as GGUF files have them, become tiles of 32 rows (common/weights.glsl), bit for bit the same
// numbers. format: 0 Q8_0, 1 Q4_0, 2 Q4_1, 3 Q5_0, 4 Q5_1, 5 Q4_K, 6 Q5_K, 7 Q6_K.
// One workgroup: 32 rows x 256 weights; source row r goes to tile first_tile + r / 32 * tile_step.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint format = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { uint source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer scales_ { uvec2 scales[]; };
layout(push_constant) uniform Params { uint rows, columns, source_offset, first_tile, tile_step; };

#include "../common/source_bytes.glsl"

const uint Q8_0 = 0, Q4_0 = 1, Q4_1 = 2, Q5_0 = 3, Q5_1 = 4, Q4_K = 5, Q5_K = 6, Q6_K = 7;
const bool SUPER = format >= Q4_K, INT4 = format == Q4_0 || format == Q4_1 || format == Q4_K;
const bool SYMMETRIC = format == Q8_0 || format == Q4_0 || format == Q5_0;
const uint BYTES = format == Q8_0 ? 34 : format == Q4_0 ? 18 : format == Q4_1 ? 20 : format == Q5_0 ? 22
                 : format == Q5_1 ? 24 : format == Q4_K ? 144 : format == Q5_K ? 176 : 210;

// Where the 32 weights, or the 256 that they are part of, begin.
uint place_of(uint row, uint block) {
  const uint across = SUPER ? columns / 256 : columns / 32;
  return source_offset + (row * across + (SUPER ? block / 8 : block)) * BYTES;
}

// Bit i of the low four becomes bit 0 of byte i.
uint spread(uint bits) { return (bits & 15) * 0x00204081u & 0x01010101u; }

uint low_half(uint word, uint half_byte) { return word >> 4 * half_byte & 0x0F0F0F0Fu; }

// Weights 4w to 4w + 3 of a block as bytes; of an int4 chunk weights 16 further in the high halves.
uint quants_at(uint at, uint block, uint w) {
  const uint j = block % 8;
  if (format == Q8_0) return word_at(at + 2 + 4 * w);
  if (format == Q4_0) return word_at(at + 2 + 4 * w);
  if (format == Q4_1) return word_at(at + 4 + 4 * w);
  if (format == Q4_K) {
    const uint from = at + 16 + j / 2 * 32 + 4 * w;
    return low_half(word_at(from), j % 2) | low_half(word_at(from + 16), j % 2) << 4;
  }
  if (format == Q5_0) {
    // Minus 16: the fifth bit goes and its absence is the sign.
    const uint high = spread(word_at(at + 2) >> 4 * w);
    return low_half(word_at(at + 6 + w % 4 * 4), w / 4) | (high ^ 0x01010101u) * 0xF0;
  }
  if (format == Q5_1) return low_half(word_at(at + 8 + w % 4 * 4), w / 4) | spread(word_at(at + 4) >> 4 * w) << 4;
  if (format == Q5_K) {
    const uint high = word_at(at + 16 + 4 * w) >> j & 0x01010101u;
    return low_half(word_at(at + 48 + j / 2 * 32 + 4 * w), j % 2) | high << 4;
  }
  // Q6_K, minus 32 in the same way.
  const uint side = j / 4, k = j % 4;
  const uint high = word_at(at + 128 + side * 32 + 4 * w) >> 2 * k & 0x03030303u;
  const uint low = low_half(word_at(at + side * 64 + k % 2 * 32 + 4 * w), k / 2) | (high & 0x01010101u) << 4;
  return low | (high >> 1 & 0x01010101u ^ 0x01010101u) * 0xE0;
}

// Six bits each: the factors of scale and minimum of sub-block j, as two bytes.
uint factors_at(uint at, uint j) {
  if (j < 4) return byte_at(at + j) & 63 | (byte_at(at + j + 4) & 63) << 8;
  const uint low = byte_at(at + j + 4);
  return low & 15 | byte_at(at + j - 4) >> 6 << 4 | (low >> 4 | byte_at(at + j) >> 6 << 4) << 8;
}

void put_scales(uint row, uint tile, uint quad) {
  const uint row_blocks = columns / 32, at = (tile * ((row_blocks + 3) / 4) + quad) * 32 + row % 32;
  uvec4 words = uvec4(0);
  if (row < rows && SUPER) {
    const uint from = place_of(row, quad * 4), j = quad % 2 * 4;
    if (format == Q6_K) {
      words = uvec4(word_at(from + 192 + 2 * j), word_at(from + 196 + 2 * j), half_at(from + 208), 0);
    } else {
      const uint first = factors_at(from + 4, j) | factors_at(from + 4, j + 1) << 16;
      words = uvec4(first, factors_at(from + 4, j + 2) | factors_at(from + 4, j + 3) << 16, word_at(from), 0);
    }
  } else if (row < rows) {
    for (uint b = 0; b < min(4, row_blocks - quad * 4); b++) {
      const uint from = place_of(row, quad * 4 + b);
      if (SYMMETRIC) words[b / 2] |= half_at(from) << 16 * (b % 2);
      else words[b] = word_at(from);
    }
  }
  if (SYMMETRIC) {
    scales[at] = words.xy;
    return;
  }
  scales[2 * at] = words.xy;
  scales[2 * at + 1] = words.zw;
}

void main() {
  const uint t = gl_LocalInvocationIndex, row_blocks = columns / 32;
  const uint row = gl_WorkGroupID.y * 32 + t % 32, tile = first_tile + gl_WorkGroupID.y * tile_step;
  const uint quad = gl_WorkGroupID.x * 2 + t / 32;
  if (t < 64 && quad * 4 < row_blocks) put_scales(row, tile, quad);
  const uint block = gl_WorkGroupID.x * 8 + t / 32, chunks = INT4 ? 1 : 2;
  if (block >= row_blocks) return;
  for (uint chunk = 0; chunk < chunks; chunk++) {
    uvec4 words = uvec4(0);
    for (uint w = 0; w < 4 && row < rows; w++) words[w] = quants_at(place_of(row, block), block, chunk * 4 + w);
    quants[((tile * row_blocks + block) * chunks + chunk) * 32 + t % 32] = words;
  }
}
