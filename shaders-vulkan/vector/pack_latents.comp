#version 460
// Code rows and their scales into the slots of one storage segment: a row's words, then its scale, then zeros.
// One invocation a word. normalize: the scale that gives the decoded latent length 1 takes the place of its own.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint normalize = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer codes_ { uint codes[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer scales_ { float scales[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer slots_ { uint slots[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer storage_ { uint storage[]; };
layout(push_constant) uniform Params { uint rows, words, chunks, first_slot, slot_count; };

#include "../common/index.glsl"

float unit_scale(uint row) {
  int squares = 0;
  for (uint w = 0; w < words; w++)
    for (int i = 0; i < 4; i++) {
      const int code = bitfieldExtract(int(codes[row * words + w]), i * 8, 8);
      squares += code * code;
    }
  return squares > 0 ? 1 / sqrt(float(squares)) : 0;
}

void main() {
  const uint i = linear_invocation(), row = i % rows, word = i / rows;
  if (word >= chunks * 4) return;
  const uint slot = slots[row] - first_slot;
  if (slot >= slot_count) return;
  uint value = 0;
  if (word < words) value = codes[row * words + word];
  else if (word == words) value = floatBitsToUint(normalize == 1 ? unit_scale(row) : scales[row]);
  storage[packed_index(slot, chunks, word / 4) * 4 + word % 4] = value;
}
