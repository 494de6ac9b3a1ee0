// Kernels with one planted bug each, which the checked build has to find; `correct` has none. Two threadgroups of 64
// threads; a and b hold 128 floats, n is 4.
#include <metal_simdgroup_matrix>
#include <metal_stdlib>
using namespace metal;

#define PARAMETERS                                                                              \
  device float *a [[buffer(0)]], device float *b [[buffer(1)]], constant uint &n [[buffer(2)]], \
      threadgroup float *shared [[threadgroup(0)]], uint gid [[thread_position_in_grid]],       \
      uint group [[threadgroup_position_in_grid]], uint tid [[thread_index_in_threadgroup]],    \
      uint lane [[thread_index_in_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]]

kernel void correct(PARAMETERS) {
  threadgroup float t[64];
  threadgroup atomic_uint count;
  if (tid == 0) {
    atomic_store_explicit(&count, 0u, memory_order_relaxed);
    shared[0] = 1.0;
  }
  t[tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  atomic_fetch_add_explicit(&count, 1u, memory_order_relaxed);
  float v = t[63 - tid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  t[tid] = v;
  simdgroup_barrier(mem_flags::mem_threadgroup);
  v += t[simdgroup * 32 + 31 - lane];
  float sum = 0;
  if (lane < 10) sum = simd_sum(v);  // divergent, which is legal: the sum of ten lanes
  sum += simd_prefix_exclusive_sum(1.0f) + simd_shuffle_xor(v, 1);
  sum += float(popcount(uint(simd_vote::vote_t(simd_ballot(lane < 5)))));
  b[gid] = sum + shared[0] + float(atomic_load_explicit(&count, memory_order_relaxed));
}

kernel void no_barrier(PARAMETERS) {
  threadgroup float t[64];
  t[tid] = a[gid];
  b[gid] = t[63 - tid];
}

kernel void no_simdgroup_barrier(PARAMETERS) {
  threadgroup float t[64];
  t[tid] = a[gid];
  b[gid] = t[simdgroup * 32 + 31 - lane];
}

kernel void barrier_of_simdgroup_only(PARAMETERS) {
  threadgroup float t[64];
  t[tid] = a[gid];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  b[gid] = t[63 - tid];
}

kernel void barrier_for_other_memory(PARAMETERS) {
  threadgroup float t[64];
  t[tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_device);
  b[gid] = t[63 - tid];
}

kernel void write_after_read(PARAMETERS) {
  threadgroup float t[64];
  t[tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float v = t[63 - tid];
  t[tid] = v + 1.0;
  b[gid] = t[tid];
}

kernel void read_past_end(PARAMETERS) { b[gid] = a[gid + 1]; }

kernel void write_past_end(PARAMETERS) { b[gid * 2] = a[gid]; }

kernel void threadgroup_past_end(PARAMETERS) {
  threadgroup float t[32];
  t[tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  b[gid] = t[tid];
}

kernel void uninitialised_threadgroup(PARAMETERS) {
  threadgroup float t[64];
  if (tid < 60) t[tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  b[gid] = t[63 - tid];
}

kernel void two_threadgroups_write(PARAMETERS) { b[tid] = a[gid]; }

kernel void device_race(PARAMETERS) {
  b[gid] = a[gid];
  a[gid] = b[gid ^ 1];
}

kernel void return_before_barrier(PARAMETERS) {
  if (tid > 50) return;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  b[gid] = a[gid];
}

kernel void two_barriers_for_one(PARAMETERS) {
  if (simdgroup == 0) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
  } else {
    b[gid] = 0;
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  b[gid] = a[gid];
}

kernel void shuffle_past_end(PARAMETERS) { b[gid] = simd_shuffle(a[gid], lane + 1); }

kernel void shuffle_from_inactive(PARAMETERS) {
  float v = 0;
  if (lane < 16) v = simd_shuffle_xor(a[gid], 16);
  b[gid] = v;
}

kernel void matrix_without_a_lane(PARAMETERS) {
  simdgroup_float8x8 m = make_filled_simdgroup_matrix<float, 8, 8>(1.0f), product;
  if (simdgroup == 0 && lane < 31) {
    simdgroup_multiply(product, m, m);
    b[tid] = product.thread_elements().x;
  }
}

kernel void row_past_end(PARAMETERS) {
  threadgroup float t[2][32];
  t[0][tid] = a[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  b[gid] = t[tid / 32][tid % 32];
}

kernel void private_past_end(PARAMETERS) {
  float values[4] = {1, 2, 3, 4};
  float sum = 0;
  for (uint i = 0; i <= n; i++) sum += values[i];
  b[gid] = sum;
}

kernel void large_shift(PARAMETERS) { b[gid] = float(1u << (tid + n)); }

kernel void atomic_and_plain(PARAMETERS) {
  threadgroup uint count[1];
  threadgroup atomic_uint* atomic_count = (threadgroup atomic_uint*)count;
  if (tid == 0) count[0] = 0;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  atomic_fetch_add_explicit(atomic_count, 1u, memory_order_relaxed);
  b[gid] = float(count[0]);
}

kernel void unbound_buffer(device float* z [[buffer(5)]], device float* b [[buffer(1)]],
                           uint gid [[thread_position_in_grid]]) {
  b[gid] = z[gid];
}

kernel void uninitialised_matrix(PARAMETERS) {
  simdgroup_float8x8 m, product;
  simdgroup_multiply(product, m, m);
  if (gid < 32) simdgroup_store(product, b, 8);
}
