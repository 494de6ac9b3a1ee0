#version 460
// storage[slots[row] - first_slot, c] = packed[row, c] for the slots inside this segment.
// One invocation moves one chunk.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer packed_ { uvec4 packed[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer slots_ { uint slots[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer storage_ { uvec4 storage[]; };
layout(push_constant) uniform Params { uint rows, chunks, first_slot, slot_count; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= rows * chunks) return;
  const uint row = i % rows;
  const uint chunk = i / rows;
  const uint slot = slots[row] - first_slot;
  if (slot < slot_count) storage[packed_index(slot, chunks, chunk)] = packed[packed_index(row, chunks, chunk)];
}
