// Sum over a workgroup of 256 as a fixed tree, whatever the subgroup size: same input, same bytes.
shared float sum_floats[256];

float workgroup_sum(float value) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  sum_floats[t] = value;
  barrier();
  for (uint lanes = 128; lanes > 0; lanes >>= 1) {
    if (t < lanes) sum_floats[t] += sum_floats[t + lanes];
    barrier();
  }
  return sum_floats[0];
}
