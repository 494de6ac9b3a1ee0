#version 460
// vectors[row, d] = component of the codeword that the row has in the subspace of dimension d.
// One invocation makes one component.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint bits = 8;
layout(set = 0, binding = 0, std430) readonly restrict buffer codes_ { uint codes[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer codebooks_ { float codebooks[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer vectors_ { float vectors[]; };
layout(push_constant) uniform Params { uint rows, words, dimensions, subdimensions, chunks; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= rows * dimensions) return;
  const uint row = i / dimensions, dimension = i % dimensions;
  const uint m = dimension / subdimensions, within = dimension % subdimensions;
  const uint codes_per_word = 32 / bits;
  const uint word = codes[row * words + m / codes_per_word];
  const uint codeword = bitfieldExtract(word, int(m % codes_per_word * bits), int(bits));
  const uint chunk = m * ((subdimensions + 3) / 4) + within / 4;
  vectors[i] = codebooks[packed_index(codeword, chunks, chunk) * 4 + within % 4];
}
