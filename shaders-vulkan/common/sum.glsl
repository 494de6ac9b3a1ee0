// Sum over a workgroup of a power of two of threads as a fixed tree, whatever the subgroup size: same input, same bytes.
shared float sum_floats[gl_WorkGroupSize.x];

float workgroup_sum(float value) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  sum_floats[t] = value;
  barrier();
  for (uint lanes = gl_WorkGroupSize.x / 2; lanes > 0; lanes >>= 1) {
    if (t < lanes) sum_floats[t] += sum_floats[t + lanes];
    barrier();
  }
  return sum_floats[0];
}
