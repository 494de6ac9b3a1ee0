// Rows of plain numbers become int4 or int8 tiles of 32 rows (common/weights.h). format: 0 float32, 1 halves, 2
// bfloat16. A group of group_blocks blocks (1, 2, 4) shares a scale: several ranges are tried, the line through each
// one's quants is fitted by least squares, and the range whose line explains most of the numbers is taken. One
// threadgroup: 32 rows x 128 weights; source row r goes to tile first_tile + r / 32 * tile_step.
#include "contracts/quantize_weights.h"

#include "common/source_values.h"

constant bool INT4 = kind == 4;
constant bool AFFINE = scaling == 2;
constant int LOW = INT4 ? (AFFINE ? 0 : -8) : AFFINE ? -128 : -127;
constant int HIGH = INT4 ? (AFFINE ? 15 : 7) : 127;
constant uint RANGES = !INT4 ? 1 : AFFINE ? 7 : 13;
constant uint GROUP = group_blocks * 32;
constexpr constant uint PITCH = 129;

inline float half_rounded(float value) { return half_value(half_bits(value)); }

inline float quant_of(float number, float inverse) { return clamp(rint(number * inverse), float(LOW), float(HIGH)); }

// Where the numbers lie: (lowest, highest), symmetric: (0, the one that is farthest from 0).
inline float2 range_of(threadgroup const float* numbers) {
  float2 range = AFFINE ? float2(numbers[0]) : float2(0);
  for (uint i = 0; i < GROUP; i++) {
    const float number = numbers[i];
    if (AFFINE) {
      range = float2(min(range.x, number), max(range.y, number));
    } else if (abs(number) > abs(range.y)) {
      range.y = number;
    }
  }
  return range;
}

// The step of range `k`, and the number that quant 0 stands for.
inline float2 line_of(float2 range, uint k) {
  if (!AFFINE) return float2(-range.y / (INT4 ? 7 + 0.25 * float(k) : 127.0), 0);
  const float width = (range.y - range.x) * (1 - 0.04 * float(k)), scale = width / float(HIGH - LOW);
  return float2(scale, (range.x + range.y - width) / 2 - float(LOW) * scale);
}

// The line through (quant, number - middle), and in z how much of the numbers it explains.
inline float3 fit(threadgroup const float* numbers, float2 line, float middle) {
  const float inverse = 1 / line.x, count = float(GROUP);
  float q = 0, qq = 0, x = 0, xq = 0;
  for (uint i = 0; i < GROUP; i++) {
    const float number = numbers[i], quant = quant_of(number - line.y, inverse);
    q += quant;
    qq += quant * quant;
    x += number - middle;
    xq += (number - middle) * quant;
  }
  if (!AFFINE) return float3(xq / qq, 0, xq * xq / qq);
  const float spread = qq - q * q / count, both = xq - q * x / count, scale = both / spread;
  return float3(scale, middle + (x - scale * q) / count, both * scale);
}

inline float2 best_line(threadgroup const float* numbers) {
  const float2 range = range_of(numbers);
  const float middle = AFFINE ? (range.x + range.y) / 2 : 0;
  if (abs(range.y - range.x) < 1e-30) return float2(0, half_rounded(middle));
  float3 best = float3(0, 0, -1);
  for (uint k = 0; k < RANGES; k++) {
    const float3 fitted = fit(numbers, line_of(range, k), middle);
    if (fitted.z > best.z) best = fitted;
  }
  return float2(half_rounded(best.x), half_rounded(best.y));
}

// 32 numbers as one chunk (int4) or two.
inline void put_quants(threadgroup const float* numbers, float2 line, device uint4* chunks) {
  const float inverse = line.x == 0 ? 0 : 1 / line.x;
  uint4 words[2] = {uint4(0), uint4(0)};
  for (uint i = 0; i < 32; i++) {
    const int quant = int(quant_of(numbers[i] - line.y, inverse)) + (INT4 && !AFFINE ? 8 : 0);
    if (INT4) {
      words[0][i / 4 % 4] |= uint(quant & 15) << (8 * (i % 4) + i / 16 * 4);
    } else {
      words[i / 16][i / 4 % 4] |= uint(quant & 255) << 8 * (i % 4);
    }
  }
  chunks[0] = words[0];
  if (!INT4) chunks[32] = words[1];
}

// Of four blocks of row `lane`; lines are [block][row].
inline void put_scales(threadgroup const float2* lines, uint lane, uint at, device uint2* scales) {
  uint4 words = uint4(0);
  for (uint b = 0; b < 4; b++) {
    const float2 line = lines[b / group_blocks * group_blocks * 32 + lane];
    if (AFFINE) {
      words[b] = half_bits(line.x) | half_bits(line.y) << 16;
    } else {
      words[b / 2] |= half_bits(line.x) << 16 * (b % 2);
    }
  }
  if (AFFINE) {
    ((device uint4*)scales)[at] = words;
  } else {
    scales[at] = words.xy;
  }
}

[[max_total_threads_per_threadgroup(256)]] kernel void quantize_weights(device const uint* source [[buffer(0)]],
                                                                        device uint4* quants [[buffer(1)]],
                                                                        device uint2* scales [[buffer(2)]],
                                                                        constant Params& params [[buffer(3)]],
                                                                        uint2 group [[threadgroup_position_in_grid]],
                                                                        uint t [[thread_index_in_threadgroup]]) {
  threadgroup float numbers[32 * PITCH];
  threadgroup float2 lines[128];  // (scale, minimum) of [block][row], as halves hold them
  const uint columns = params.columns, row_blocks = (columns + 31) / 32, quad = group.x;
  const uint tile = params.first_tile + group.y * params.tile_step;
  for (uint i = t; i < 4096; i += 256) {
    const uint row = group.y * 32 + i / 128, column = quad * 128 + i % 128;
    const bool inside = row < params.rows && column < columns;
    const uint at = params.source_offset + (row * columns + column) * VALUE_BYTES;
    numbers[i / 128 * PITCH + i % 128] = inside ? value_at(source, at) : 0;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const uint lane = t % 32, b = t / 32, block = quad * 4 + b;
  threadgroup const float* own = numbers + lane * PITCH + b * 32;
  if (b < 4 && b % group_blocks == 0) lines[t] = best_line(own);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (b < 4 && block < row_blocks) {
    const uint chunk = (tile * row_blocks + block) * (INT4 ? 1 : 2);
    put_quants(own, lines[b / group_blocks * group_blocks * 32 + lane], quants + chunk * 32 + lane);
  }
  if (b == 0) put_scales(lines, lane, (tile * ((row_blocks + 3) / 4) + quad) * 32 + lane, scales);
}
