#version 460
// Rows of plain numbers become tiles of 32 rows (common/weights.glsl). format, that of the source, and kind: 0 float32,
// 1 halves, 2 bfloat16; rounding is to even. One workgroup: 32 rows x 8 chunks of 16 bytes; source row r goes to tile
// first_tile + r / 32 * tile_step.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint format = 0;
layout(constant_id = 1) const uint kind = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { uint source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer quants_ { uvec4 quants[]; };
layout(push_constant) uniform Params { uint rows, columns, source_offset, first_tile, tile_step; };

#include "../common/halves.glsl"
#include "../common/source_bytes.glsl"
#include "../common/source_values.glsl"

uint bits_at(uint at) {
  if (kind == format) return kind == 0 ? word_at(at) : half_at(at);
  const float value = value_at(at);
  return kind == 0 ? floatBitsToUint(value) : kind == 1 ? half_bits(value) : bfloat_bits(value);
}

void main() {
  const uint t = gl_LocalInvocationIndex, size = kind == 0 ? 4 : 8;
  const uint chunks = (columns + 31) / 32 * (32 / size), chunk = gl_WorkGroupID.x * 8 + t / 32;
  const uint row = gl_WorkGroupID.y * 32 + t % 32, tile = first_tile + gl_WorkGroupID.y * tile_step;
  if (chunk >= chunks) return;
  uvec4 words = uvec4(0);
  for (uint i = 0; i < size; i++) {
    const uint column = chunk * size + i;
    if (row >= rows || column >= columns) continue;
    const uint bits = bits_at(source_offset + (row * columns + column) * VALUE_BYTES);
    if (kind == 0) words[i] = bits;
    else words[i / 2] |= bits << 16 * (i % 2);
  }
  quants[(tile * chunks + chunk) * 32 + t % 32] = words;
}
