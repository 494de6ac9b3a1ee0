// Sum over a workgroup of a power of two of threads as a fixed tree, whatever the subgroup size: same input, same bytes.
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require

shared float sum_floats[gl_WorkGroupSize.x];

float workgroup_sum(float value) {
  const uint t = gl_LocalInvocationIndex;
  // The last levels of the tree need no barrier where their threads are of one subgroup.
  const uint alone = gl_SubgroupSize >= 32 ? 32 : 1;
  barrier();
  sum_floats[t] = value;
  barrier();
  for (uint lanes = gl_WorkGroupSize.x / 2; lanes >= alone; lanes >>= 1) {
    if (t < lanes) sum_floats[t] += sum_floats[t + lanes];
    barrier();
  }
  if (alone == 1) return sum_floats[0];
  // Each subgroup does these by itself, and so has the sum in its first thread.
  float sum = sum_floats[gl_SubgroupInvocationID % 32];
  for (uint lanes = 16; lanes > 0; lanes >>= 1) sum += subgroupShuffleDown(sum, lanes);
  return subgroupShuffle(sum, 0);
}
