#version 460
// Word w of a code row = labels 4w .. 4w + 3 (8 bits) or 8w .. 8w + 7 (4 bits), lowest first, into slots or row-major.
// One invocation makes one word.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint bits = 8;
layout(constant_id = 1) const uint interleaved = 1;
layout(set = 0, binding = 0, std430) readonly restrict buffer labels_ { uint labels[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer slots_ { uint slots[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer codes_ { uint codes[]; };
layout(push_constant) uniform Params { uint rows, subspaces, words, chunks, first_slot, slot_count; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= rows * (interleaved == 1 ? chunks * 4 : words)) return;
  const uint row = i % rows, word = i / rows;
  const uint labels_per_word = 32 / bits;
  const uint first = word * labels_per_word;
  const uint last = word < words ? min(first + labels_per_word, subspaces) : first;
  uint code = 0;
  for (uint m = first; m < last; ++m) code |= labels[m * rows + row] << ((m - first) * bits);
  if (interleaved == 1) {
    const uint slot = slots[row] - first_slot;
    if (slot < slot_count) codes[packed_index(slot, chunks, word / 4) * 4 + word % 4] = code;
  } else {
    codes[row * words + word] = code;
  }
}
