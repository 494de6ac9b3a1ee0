// Sum over a threadgroup of THREADS in a fixed order; thread t is lane t % 32 of SIMD-group t / 32. `sums` holds a
// number for each SIMD-group.
template <uint THREADS>
float threadgroup_sum(float value, uint t, threadgroup float* sums) {
  const float own = simd_sum(value);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (t % 32 == 0) sums[t / 32] = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  return simd_sum(t % 32 < THREADS / 32 ? sums[t % 32] : 0);
}
