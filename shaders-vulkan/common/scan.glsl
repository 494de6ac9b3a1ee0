// Inclusive prefix sum over a workgroup of 256, whatever the subgroup size.
shared uint scan_words[256];

uint workgroup_inclusive_scan(uint value) {
  const uint t = gl_LocalInvocationIndex;
  barrier();
  scan_words[t] = value;
  barrier();
  for (uint distance = 1; distance < 256; distance <<= 1) {
    const uint lower = t >= distance ? scan_words[t - distance] : 0;
    barrier();
    value += lower;
    scan_words[t] = value;
    barrier();
  }
  return value;
}
