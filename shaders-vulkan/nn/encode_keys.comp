#version 460
// code[p, key] = arg min over codewords of |x - codeword|^2, x the key's sub-vector (augmented: and sqrt(limit - |x|^2)).
// One workgroup encodes the four keys of one word of one subspace p of a KV head; ties go to the lower codeword.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(constant_id = 0) const uint augmented = 0;
layout(set = 0, binding = 0, std430) readonly restrict buffer keys_ { float keys[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer codebooks_ { vec4 codebooks[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer limits_ { float limits[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer state_ { uint state[]; };
layout(set = 0, binding = 4, std430) restrict buffer codes_ { uint codes[]; };
layout(push_constant) uniform Params {
  uint dimensions, subdimensions, chunks, subspace_chunks, bits, words, count, first_kv;
};

#include "../common/index.glsl"

shared float key_words[4096];
shared float distances[256];
shared uint winners[256];

// Sub-vectors of the four keys of the word, or of those that are new, zero-padded to whole chunks.
void load_keys(uint first_position, uint first, uint last, uint source) {
  const uint padded = subspace_chunks * 4;
  barrier();
  for (uint i = gl_LocalInvocationIndex; i < 4 * padded; i += 256) {
    const uint position = first_position + i / padded, j = i % padded;
    const bool live = position >= first && position < last && j < subdimensions;
    key_words[i] = live ? keys[source + (position - first) * dimensions + j] : 0;
  }
  barrier();
  if (augmented == 0) return;
  if (gl_LocalInvocationIndex < 4) {
    const uint key = gl_LocalInvocationIndex * padded;
    float extra = limits[gl_WorkGroupID.y];
    for (uint j = 0; j < subdimensions; ++j) extra -= key_words[key + j] * key_words[key + j];
    key_words[key + subdimensions] = sqrt(max(extra, 0));
  }
  barrier();
}

const uint KEPT = 16;  // chunks of this thread's codeword that stay in registers
vec4 kept[KEPT];

vec4 chunk_difference(vec4 value, uint key, uint c) {
  const uint j = (key * subspace_chunks + c) * 4;
  return value - vec4(key_words[j], key_words[j + 1], key_words[j + 2], key_words[j + 3]);
}

float squared_distance(uint key, uint first) {
  float sum = 0;
  [[unroll]] for (uint c = 0; c < KEPT; ++c) {
    if (c >= subspace_chunks) break;
    const vec4 d = chunk_difference(kept[c], key, c);
    sum += dot(d, d);
  }
  for (uint c = KEPT; c < subspace_chunks; ++c) {
    const vec4 d = chunk_difference(codebooks[first + c * 32], key, c);
    sum += dot(d, d);
  }
  return sum;
}

// Leaves the nearest codeword of each slot of 2^bits threads in winners[slot << bits].
void find_nearest(float own) {
  const uint t = gl_LocalInvocationIndex, codeword = t & ((1u << bits) - 1);
  barrier();
  distances[t] = own;
  winners[t] = codeword;
  barrier();
  for (uint lanes = (1u << bits) / 2; lanes > 0; lanes /= 2) {
    if (codeword < lanes && distances[t + lanes] < distances[t]) {
      distances[t] = distances[t + lanes];
      winners[t] = winners[t + lanes];
    } else if (codeword < lanes && distances[t + lanes] == distances[t]) {
      winners[t] = min(winners[t], winners[t + lanes]);
    }
    barrier();
  }
}

void main() {
  const uint t = gl_LocalInvocationIndex, slot = t >> bits, slots = min(256u >> bits, 4u);
  const uint p = gl_WorkGroupID.y, subspaces = dimensions / subdimensions;
  const uint codeword = packed_index(t & ((1u << bits) - 1), chunks, p * subspace_chunks);
  [[unroll]] for (uint c = 0; c < KEPT; ++c) kept[c] = codebooks[codeword + min(c, subspace_chunks - 1) * 32];
  const uint last = state[0], first = last - count;
  const uint source = ((first_kv + p / subspaces) * count) * dimensions + p % subspaces * subdimensions;
  for (uint word = first / 4 + gl_WorkGroupID.x; word * 4 < last; word += gl_NumWorkGroups.x) {
    load_keys(word * 4, first, last, source);
    const uint before = codes[p * words + word];
    uint code = 0, mask = 0;
    for (uint base = 0; base < 4; base += slots) {
      const uint key = word * 4 + base + slot;
      const bool live = slot < slots && key >= first && key < last;
      float own = INFINITY;
      if (live) own = squared_distance(base + slot, codeword);
      find_nearest(own);
      for (uint s = 0; s < slots; ++s) {
        const uint position = word * 4 + base + s;
        if (position < first || position >= last) continue;
        code |= winners[s << bits] << ((base + s) * 8);
        mask |= 255u << ((base + s) * 8);
      }
    }
    if (t == 0) codes[p * words + word] = (before & ~mask) | code;
  }
}
