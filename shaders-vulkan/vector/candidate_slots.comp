#version 460
// slots[q, i] = storage slot of candidate number indices[q, i] of the probed lists of query q; NONE stays NONE.
// One invocation finds one slot: the last probe whose offset is not above the candidate holds it.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer indices_ { uint indices[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer probes_ { uint probes[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 3, std430) readonly restrict buffer list_begin_ { uint list_begin[]; };
layout(set = 0, binding = 4, std430) readonly restrict buffer groups_ { uint groups[]; };
layout(set = 0, binding = 5, std430) writeonly restrict buffer slots_ { uint slots[]; };
layout(push_constant) uniform Params { uint query_count, k, probe_count; };

#include "../common/index.glsl"

void main() {
  const uint i = linear_invocation();
  if (i >= query_count * k) return;
  const uint candidate = indices[i];
  const uint first = i / k * probe_count;
  uint slot = NONE;
  if (candidate != NONE) {
    uint low = 0, high = probe_count;
    while (high - low > 1) {
      const uint middle = (low + high) / 2;
      if (offsets[first + middle] <= candidate) low = middle;
      else high = middle;
    }
    const uint within = candidate - offsets[first + low];
    slot = groups[list_begin[probes[first + low]] + within / 32] * 32 + within % 32;
  }
  slots[i] = slot;
}
