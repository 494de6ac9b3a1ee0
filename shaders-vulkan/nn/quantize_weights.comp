#version 460
// Rows of plain numbers become int4 or int8 tiles of 32 rows (common/weights.glsl). format: 0 float32, 1 halves, 2 bfloat16.
// A group of group_blocks blocks (1, 2, 4) shares a scale: several ranges are tried, the line through each one's quants is
// fitted by least squares, and the range whose line explains most of the numbers is taken.
// One workgroup: 32 rows x 128 weights; source row r goes to tile first_tile + r / 32 * tile_step.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint format = 0;
layout(constant_id = 1) const uint kind = 4;
layout(constant_id = 2) const uint scaling = 1;
layout(constant_id = 3) const uint group_blocks = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { uint source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer quants_ { uvec4 quants[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer scales_ { uvec2 scales[]; };
layout(push_constant) uniform Params { uint rows, columns, source_offset, first_tile, tile_step; };

#include "../common/halves.glsl"
#include "../common/source_bytes.glsl"
#include "../common/source_values.glsl"

const bool INT4 = kind == 4, AFFINE = scaling == 2;
const int LOW = INT4 ? (AFFINE ? 0 : -8) : AFFINE ? -128 : -127, HIGH = INT4 ? (AFFINE ? 15 : 7) : 127;
const uint RANGES = !INT4 ? 1 : AFFINE ? 7 : 13;
const uint PITCH = 129;
shared float numbers[32 * PITCH];
shared vec2 lines[128];  // (scale, minimum) of [block][row], as halves hold them

float half_rounded(float value) { return half_value(half_bits(value)); }

float quant_of(float number, float inverse) { return clamp(roundEven(number * inverse), float(LOW), float(HIGH)); }

// Where the numbers lie: (lowest, highest), symmetric: (0, the one that is farthest from 0).
vec2 range_of(uint first) {
  vec2 range = AFFINE ? vec2(numbers[first]) : vec2(0);
  for (uint i = 0; i < group_blocks * 32; i++) {
    const float number = numbers[first + i];
    if (AFFINE) range = vec2(min(range.x, number), max(range.y, number));
    else if (abs(number) > abs(range.y)) range.y = number;
  }
  return range;
}

// The step of range `k`, and the number that quant 0 stands for.
vec2 line_of(vec2 range, uint k) {
  if (!AFFINE) return vec2(-range.y / (INT4 ? 7 + 0.25 * float(k) : 127.0), 0);
  const float width = (range.y - range.x) * (1 - 0.04 * float(k)), scale = width / float(HIGH - LOW);
  return vec2(scale, (range.x + range.y - width) / 2 - float(LOW) * scale);
}

// The line through (quant, number - middle), and in z how much of the numbers it explains.
vec3 fit(uint first, vec2 line, float middle) {
  const float inverse = 1 / line.x, count = float(group_blocks * 32);
  float q = 0, qq = 0, x = 0, xq = 0;
  for (uint i = 0; i < group_blocks * 32; i++) {
    const float number = numbers[first + i], quant = quant_of(number - line.y, inverse);
    q += quant, qq += quant * quant;
    x += number - middle, xq += (number - middle) * quant;
  }
  if (!AFFINE) return vec3(xq / qq, 0, xq * xq / qq);
  const float spread = qq - q * q / count, both = xq - q * x / count;
  const float scale = both / spread;
  return vec3(scale, middle + (x - scale * q) / count, both * scale);
}

vec2 best_line(uint first) {
  const vec2 range = range_of(first);
  const float middle = AFFINE ? (range.x + range.y) / 2 : 0;
  if (abs(range.y - range.x) < 1e-30) return vec2(0, half_rounded(middle));
  vec3 best = vec3(0, 0, -1);
  for (uint k = 0; k < RANGES; k++) {
    const vec3 fitted = fit(first, line_of(range, k), middle);
    if (fitted.z > best.z) best = fitted;
  }
  return vec2(half_rounded(best.x), half_rounded(best.y));
}

void put_quants(uint row, uint block, uint tile, uint at_block) {
  const uint row_blocks = (columns + 31) / 32, first = row * PITCH + block * 32;
  const vec2 line = lines[block / group_blocks * group_blocks * 32 + row];
  const float inverse = line.x == 0 ? 0 : 1 / line.x;
  uvec4 words[2] = uvec4[2](uvec4(0), uvec4(0));
  for (uint i = 0; i < 32; i++) {
    const int quant = int(quant_of(numbers[first + i] - line.y, inverse)) + (INT4 && !AFFINE ? 8 : 0);
    if (INT4) words[0][i / 4 % 4] |= uint(quant & 15) << 8 * (i % 4) + i / 16 * 4;
    else words[i / 16][i / 4 % 4] |= uint(quant & 255) << 8 * (i % 4);
  }
  const uint chunks = INT4 ? 1 : 2, at = (tile * row_blocks + at_block) * chunks * 32 + row;
  quants[at] = words[0];
  if (!INT4) quants[at + 32] = words[1];
}

void put_scales(uint row, uint at) {
  uvec4 words = uvec4(0);
  for (uint b = 0; b < 4; b++) {
    const vec2 line = lines[b / group_blocks * group_blocks * 32 + row];
    if (AFFINE) words[b] = half_bits(line.x) | half_bits(line.y) << 16;
    else words[b / 2] |= half_bits(line.x) << 16 * (b % 2);
  }
  if (!AFFINE) {
    scales[at] = words.xy;
    return;
  }
  scales[2 * at] = words.xy;
  scales[2 * at + 1] = words.zw;
}

void main() {
  const uint t = gl_LocalInvocationIndex, row_blocks = (columns + 31) / 32, quad = gl_WorkGroupID.x;
  const uint tile = first_tile + gl_WorkGroupID.y * tile_step;
  for (uint i = t; i < 4096; i += 256) {
    const uint row = gl_WorkGroupID.y * 32 + i / 128, column = quad * 128 + i % 128;
    const bool inside = row < rows && column < columns;
    numbers[i / 128 * PITCH + i % 128] = inside ? value_at(source_offset + (row * columns + column) * VALUE_BYTES) : 0;
  }
  barrier();
  const uint row = t % 32, block = t / 32;
  if (block < 4 && block % group_blocks == 0) lines[t] = best_line(row * PITCH + block * 32);
  barrier();
  if (block < 4 && quad * 4 + block < row_blocks) put_quants(row, block, tile, quad * 4 + block);
  if (t < 32) put_scales(row, (tile * ((row_blocks + 3) / 4) + quad) * 32 + row);
}
