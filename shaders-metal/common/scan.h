// Inclusive prefix sum over a threadgroup of 256; thread t is lane t % 32 of SIMD-group t / 32. A barrier has to be
// between other uses of words[8] and this.
inline uint threadgroup_inclusive_scan(uint value, uint t, threadgroup uint* words) {
  const uint inclusive = simd_prefix_inclusive_sum(value);
  if (t % 32 == 31) words[t / 32] = inclusive;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return inclusive + simd_sum(t % 32 < t / 32 ? words[t % 32] : 0);
}
