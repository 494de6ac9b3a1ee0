// vectors[r] /= |vectors[r]| for row-major rows of `chunks` times four numbers; zero rows stay zero.
// One threadgroup: 32 rows, 8 threads each.
#include "contracts/normalize_rows.h"

#include "common/index.h"

[[max_total_threads_per_threadgroup(256)]] kernel void normalize_rows(device float4* vectors [[buffer(0)]],
                                                                      constant Params& params [[buffer(1)]],
                                                                      uint3 position [[thread_position_in_grid]],
                                                                      uint3 grid [[threads_per_grid]]) {
  const uint i = linear_index(position, grid), row = i / 8;
  const uint begin = row * params.chunks + i % 8, end = row < params.rows ? (row + 1) * params.chunks : 0;
  float sum = 0;
  for (uint chunk = begin; chunk < end; chunk += 8) {
    const float4 value = vectors[chunk];
    sum += dot(value, value);
  }
  for (ushort distance = 1; distance < 8; distance *= 2) sum += simd_shuffle_xor(sum, distance);
  if (!(sum > 0)) return;
  const float scale = 1 / sqrt(sum);
  for (uint chunk = begin; chunk < end; chunk += 8) vectors[chunk] *= scale;
}
