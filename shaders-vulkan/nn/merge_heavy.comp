#version 460
// list = sink positions, the `heavy` candidates of the greatest scores, window positions: all ascending.
// One workgroup makes one head's list of the candidates that scan_key_codes left for each part of the keys.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer scores_ { uint scores[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer positions_ { uint positions[]; };
layout(set = 0, binding = 2, std430) readonly restrict buffer state_ { uint state[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer list_ { uint list[]; };
layout(push_constant) uniform Params { uint part, heavy, sink, window, stride; };

#include "../common/index.glsl"
#include "../common/top_keys.glsl"

const uint CAPACITY = 2048, RUN = CAPACITY / 256;
shared uint cached[CAPACITY + CAPACITY / 8];
uint first_candidate;
bool is_cached;

uint top_key(uint i) { return is_cached ? cached[slot_of(i)] : scores[first_candidate + i]; }

void main() {
  const uint t = gl_LocalInvocationIndex, head = linear_workgroup();
  const uint length = sink + heavy + window;
  const uint eligible = state[0] - sink - window;
  const uint each = min(heavy, part);
  const uint count = eligible / part * each + min(heavy, eligible % part);
  first_candidate = head * stride;
  is_cached = count <= CAPACITY;
  const uint run = (count + 255) / 256, begin = min(t * run, count), end = min(begin + run, count);
  uint own_positions[RUN];
  if (is_cached) {
    uint own[RUN];
    [[unroll]] for (uint i = 0; i < RUN; ++i) own[i] = scores[first_candidate + min(i * 256 + t, count - 1)];
    [[unroll]] for (uint i = 0; i < RUN; ++i)
      own_positions[i] = positions[first_candidate + min(begin + i, count - 1)];
    [[unroll]] for (uint i = 0; i < RUN; ++i) cached[slot_of(i * 256 + t)] = own[i];
  }
  for (uint i = t; i < sink; i += 256) list[head * length + i] = i;
  for (uint i = t; i < window; i += 256) list[head * length + sink + heavy + i] = state[0] - window + i;
  bound_top(count, heavy);
  uint equal_before;
  uint place = head * length + sink + place_of_run(begin, end, equal_before);
  if (is_cached) {
    [[unroll]] for (uint i = 0; i < RUN; ++i) {
      if (begin + i < end && is_top(cached[slot_of(begin + i)], equal_before)) list[place++] = own_positions[i];
    }
  } else {
    for (uint i = begin; i < end; ++i) {
      if (is_top(top_key(i), equal_before)) list[place++] = positions[first_candidate + i];
    }
  }
}
