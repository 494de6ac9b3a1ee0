#version 460
// Row-major words to packed rows; normalize: row / |row|; check: the first row that is not finite or too long.
// One workgroup packs a group of 32 rows, 8 chunks at a time, through shared memory.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint check = 1;
layout(constant_id = 1) const uint normalize = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { uint source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer packed_ { uvec4 packed[]; };
layout(set = 0, binding = 2, std430) restrict buffer first_invalid_ { uint first_invalid[]; };
layout(push_constant) uniform Params { uint rows, padded_rows, dimensions, subdimensions, chunks; };

#include "../common/index.glsl"

const uint EXPONENT = 0x7F800000u;
const uint PITCH = 33;  // words of a row in shared memory, odd against bank conflicts
shared uint words[32 * PITCH];
shared float norms[256];
shared uint invalid[32];

// Loads chunks first .. first + 7 of the group's rows: 32 neighbouring threads read neighbouring words of one row.
void load_words(uint first_row, uint first_chunk) {
  const uint t = gl_LocalInvocationIndex;
  const uint subspace_chunks = (subdimensions + 3) / 4;
  const uint chunk = first_chunk + (t & 31) / 4;
  const uint within = chunk % subspace_chunks * 4 + (t & 3);
  const uint dimension = chunk / subspace_chunks * subdimensions + within;
  const bool live = chunk < chunks && within < subdimensions && dimension < dimensions;
  barrier();
  for (uint lane = t >> 5; lane < 32; lane += 8) {
    const uint row = first_row + lane;
    words[lane * PITCH + (t & 31)] = live && row < rows ? source[row * dimensions + dimension] : 0;
  }
  barrier();
}

uvec4 own_words() {
  const uint i = (gl_LocalInvocationIndex & 31) * PITCH + (gl_LocalInvocationIndex >> 5) * 4;
  return uvec4(words[i], words[i + 1], words[i + 2], words[i + 3]);
}

// The squared norm of row `lane`, added up from its 8 threads in order.
float row_norm(uint lane, float own) {
  norms[gl_LocalInvocationIndex] = own;
  barrier();
  float sum = 0;
  for (uint i = lane; i < 256; i += 32) sum += norms[i];
  return sum;
}

void main() {
  const uint group = linear_workgroup();
  if (group >= padded_rows / 32) return;
  const uint lane = gl_LocalInvocationIndex & 31;
  const uint part = gl_LocalInvocationIndex >> 5;
  if (part == 0) invalid[lane] = 0;
  float scale = 1;
  float norm = 0;
  for (uint pass = normalize == 1 ? 0 : 1; pass < 2; ++pass) {
    float own = 0;
    bool finite = true;
    for (uint chunk = 0; chunk < chunks; chunk += 8) {
      load_words(group * 32, chunk);
      uvec4 value = own_words();
      if (check == 1 || normalize == 1) {
        const vec4 f = uintBitsToFloat(value);
        finite = finite && all(notEqual(value & EXPONENT, uvec4(EXPONENT)));
        own += dot(f, f);
        if (normalize == 1) value = floatBitsToUint(f * scale);
      }
      if (pass == 1 && chunk + part < chunks) packed[packed_index(group * 32 + lane, chunks, chunk + part)] = value;
    }
    if (normalize == 1 && pass == 0) {
      norm = row_norm(lane, own);
      if (norm > 0) scale = 1 / sqrt(norm);
    } else if (check == 1) {
      norm = normalize == 1 ? norm : row_norm(lane, own);
    }
    if (!finite) invalid[lane] = 1;
  }
  if (check == 0) return;
  barrier();
  const bool bad = invalid[lane] == 1 || (floatBitsToUint(norm) & EXPONENT) == EXPONENT;
  if (part == 0 && bad) atomicMin(first_invalid[0], group * 32 + lane);
}
