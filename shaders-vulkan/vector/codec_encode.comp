#version 460
// latent = activate(weights x + bias), scaled to length 1 when normalize; scale = max|latent| / 127, code = latent / scale.
// One workgroup: 128 vectors against all latent dimensions, 128 at a time; more than 128 of them are computed twice.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint activation = 0;
layout(constant_id = 1) const uint normalize = 0;
layout(constant_id = 2) const uint unrolled = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer vectors_ { float vectors[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer weights_ { vec4 weights[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer bias_ { float bias[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer codes_ { uint codes[]; };
layout(set = 0, binding = 4, std430) writeonly restrict buffer scales_ { float scales[]; };
layout(set = 0, binding = 5, std430) restrict buffer first_invalid_ { uint first_invalid[]; };
layout(push_constant) uniform Params { uint rows, dimensions, latent_dimensions; };

#include "../common/activation.glsl"
#include "../common/index.glsl"

bool finite(float x) { return (floatBitsToUint(x) & 0x7F800000u) != 0x7F800000u; }

uint invalid_row = NONE;  // lowest of this thread's rows with a number that is not finite

// Rows past the last read the last: nothing of theirs is written.
vec4 fetch_a(uint row, uint chunk) {
  const uint live_row = min(row, rows - 1), first = live_row * dimensions + chunk * 4;
  vec4 values = vec4(0);
  if (chunk * 4 + 4 <= dimensions) {
    values = vec4(vectors[first], vectors[first + 1], vectors[first + 2], vectors[first + 3]);
  } else {
    for (uint i = 0; chunk * 4 + i < dimensions; i++) values[i] = vectors[first + i];
  }
  const bool sound = finite(values.x) && finite(values.y) && finite(values.z) && finite(values.w);
  invalid_row = sound ? invalid_row : min(invalid_row, live_row);
  return values;
}
vec4 fetch_b(uint row, uint chunk) { return weights[packed_index(row, (dimensions + 3) / 4, chunk)]; }

// A thread's columns come four in a row: a word of codes.
#define COLUMN(quad, i) ((quad) * 4 + (i))
#include "../common/matrix_tile.glsl"

void sum_latents(uint first_row, uint first) {
  sum_tile(first_row, first, (dimensions + 3) / 4);
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) [[unroll]] for (uint i = 0; i < 4; i++) {
    const uint column = first + column_of(h, i);
    tile_sums[r][h][i] = column < latent_dimensions ? activate(activation, tile_sums[r][h][i] + bias[column]) : 0;
  }
}

float largest[8], squares[8];

// Every thread gets its rows' largest magnitude and sum of squares; 16 threads share a row.
void reduce_rows() {
  barrier();
  [[unroll]] for (uint r = 0; r < 8; r++) {
    const uint slot = row_of(r) * 16 + tile_column();
    tile_memory[slot >> 2][slot & 3] = largest[r];
    tile_memory[512 + (slot >> 2)][slot & 3] = squares[r];
  }
  barrier();
  [[unroll]] for (uint r = 0; r < 8; r++) {
    vec4 most = vec4(0), sum = vec4(0);
    for (uint i = 0; i < 4; i++) {
      most = max(most, tile_memory[row_of(r) * 4 + i]);
      sum += tile_memory[512 + row_of(r) * 4 + i];
    }
    largest[r] = max(max(most.x, most.y), max(most.z, most.w));
    squares[r] = (sum.x + sum.y) + (sum.z + sum.w);
  }
}

void write_codes(uint first_row, uint first) {
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) {
    const uint row = first_row + row_of(r), column = first + column_of(h, 0);
    if (row >= rows || column >= latent_dimensions) continue;
    // A division: the reciprocal of a tiny maximum would overflow.
    const vec4 units = largest[r] > 0 ? tile_sums[r][h] / largest[r] * 127 : vec4(0);
    const ivec4 code = ivec4(clamp(floor(units + 0.5), -127, 127)) & 255;
    codes[row * ((latent_dimensions + 3) / 4) + column / 4] =
        uint(code.x | (code.y << 8) | (code.z << 16) | (code.w << 24));
  }
}

void measure() {
  [[unroll]] for (uint r = 0; r < 8; r++) [[unroll]] for (uint h = 0; h < 2; h++) {
    const vec4 size = abs(tile_sums[r][h]);
    largest[r] = max(largest[r], max(max(size.x, size.y), max(size.z, size.w)));
    squares[r] += dot(size, size);
  }
}

void write_scales(uint first_row) {
  [[unroll]] for (uint r = 0; r < 8; r++) {
    const uint row = first_row + row_of(r);
    if (row >= rows || tile_column() != 0) continue;
    const float size = normalize == 1 && squares[r] > 0 ? sqrt(squares[r]) : 1;
    scales[row] = largest[r] / 127 / size;
    const bool sound = finite(largest[r]) && (normalize == 0 || finite(squares[r]));
    invalid_row = sound ? invalid_row : min(invalid_row, row);
  }
}

void main() {
  const uint first_row = gl_WorkGroupID.x * TILE;
  const uint tiles = (latent_dimensions + TILE - 1) / TILE;
  [[unroll]] for (uint r = 0; r < 8; r++) largest[r] = squares[r] = 0;
  // First all tiles are measured, then all are written; a single tile stays where it is in between.
  for (uint pass = 0; pass < tiles * 2; pass++) {
    const uint first = (pass % tiles) * TILE;
    if (pass == 0 || tiles > 1) sum_latents(first_row, first);
    if (pass < tiles) measure();
    if (pass == tiles - 1) {
      reduce_rows();
      write_scales(first_row);
    }
    if (pass >= tiles) write_codes(first_row, first);
  }
  if (invalid_row != NONE) atomicMin(first_invalid[0], invalid_row);
}
