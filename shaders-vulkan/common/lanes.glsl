// LANES (a constant, a power of two up to 32) neighbouring threads share a head, eight of its numbers each.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

const uint PARTS = head_size / 8;
const uint LANES = PARTS <= 1 ? 1 : PARTS <= 2 ? 2 : PARTS <= 4 ? 4 : PARTS <= 8 ? 8 : PARTS <= 16 ? 16 : 32;

shared vec4 lane_values[gl_WorkGroupSize.x];

// For the whole workgroup at once: the sums of what the thread's LANES threads bring.
vec4 lanes_sums(vec4 four) {
  if (gl_SubgroupSize >= LANES) {
    for (uint distance = LANES / 2; distance > 0; distance >>= 1) four += subgroupShuffleXor(four, distance);
    return four;
  }
  const uint t = gl_LocalInvocationIndex;
  barrier();
  lane_values[t] = four;
  barrier();
  vec4 sum = vec4(0);
  for (uint lane = 0; lane < LANES; lane++) sum += lane_values[t / LANES * LANES + lane];
  return sum;
}

struct Eight { vec4 low, high; };

Eight halves_of(uvec4 words) {
  return Eight(vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y)),
               vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w)));
}

uvec4 halves_from(Eight x) {
  return uvec4(packHalf2x16(x.low.xy), packHalf2x16(x.low.zw), packHalf2x16(x.high.xy), packHalf2x16(x.high.zw));
}
