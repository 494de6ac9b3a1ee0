#version 460
// offsets[q, p] = rows in the probed lists before p; lengths[q] = rows in all of them.
// One workgroup scans the probes of one query, a run of neighbouring probes a thread.
#extension GL_GOOGLE_include_directive : require

layout(local_size_x = 256) in;
layout(set = 0, binding = 0, std430) readonly restrict buffer probes_ { uint probes[]; };
layout(set = 0, binding = 1, std430) readonly restrict buffer list_rows_ { uint list_rows[]; };
layout(set = 0, binding = 2, std430) writeonly restrict buffer offsets_ { uint offsets[]; };
layout(set = 0, binding = 3, std430) writeonly restrict buffer lengths_ { uint lengths[]; };
layout(push_constant) uniform Params { uint query_count, probe_count; };

#include "../common/index.glsl"
#include "../common/scan.glsl"

uint probed_rows(uint i) {
  const uint list = probes[i];
  return list == NONE ? 0 : list_rows[list];
}

void main() {
  const uint query = linear_workgroup();
  if (query >= query_count) return;
  const uint run = (probe_count + 255) / 256;
  const uint first = query * probe_count + min(gl_LocalInvocationIndex * run, probe_count);
  const uint last = min(first + run, (query + 1) * probe_count);
  uint own = 0;
  for (uint i = first; i < last; ++i) own += probed_rows(i);
  const uint inclusive = workgroup_inclusive_scan(own);
  uint running = inclusive - own;
  for (uint i = first; i < last; ++i) {
    offsets[i] = running;
    running += probed_rows(i);
  }
  if (gl_LocalInvocationIndex == 255) lengths[query] = inclusive;
}
