#version 460
// Head-major keys [heads, keys, dimensions] to packed rows, a row of all heads' sub-vectors for each key from `first` on.
// One invocation moves one chunk; pads are zero. first_invalid: the first head * keys + key that is not finite.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer source_ { float source[]; };
layout(set = 0, binding = 1, std430) writeonly restrict buffer packed_ { vec4 packed[]; };
layout(set = 0, binding = 2, std430) restrict buffer first_invalid_ { uint first_invalid[]; };
layout(push_constant) uniform Params {
  uint keys, first, rows, padded_rows, dimensions, subdimensions, chunks, subspace_chunks, first_head;
};

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= padded_rows * chunks) return;
  const uint row = i / (32 * chunks) * 32 + i % 32, chunk = i / 32 % chunks;
  const uint p = chunk / subspace_chunks, within = chunk % subspace_chunks * 4;
  const uint subspaces = dimensions / subdimensions;
  const uint key = (first_head + p / subspaces) * keys + first + row;
  vec4 value = vec4(0);
  if (row < rows) {
    const uint begin = key * dimensions + p % subspaces * subdimensions + within;
    for (uint j = 0; j < min(4, max(subdimensions, within) - within); ++j) value[j] = source[begin + j];
    // Squares have to be finite as well.
    const float norm = dot(value, value);
    if ((floatBitsToUint(norm) & 0x7F800000u) == 0x7F800000u) atomicMin(first_invalid[0], key);
  }
  packed[i] = value;
}
