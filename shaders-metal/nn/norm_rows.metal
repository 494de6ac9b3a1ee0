// h = hidden row (adds 1: + added; 2: + added / rms(added) * post_norm), kept in hidden; values = h / rms(h) * norm in
// `form`; rms(x) = sqrt(mean x^2 + epsilon). One threadgroup: hidden and added row first_row + w, row w of values. One
// row of a step has the GPU for itself: many threads, so that few loads of each follow one another.
#include "contracts/norm_rows.h"

#include "common/index.h"
#include "common/store_block.h"
#include "common/sum.h"

constexpr constant uint THREADS = 1024;

[[max_total_threads_per_threadgroup(1024)]] kernel void norm_rows(
    device float* hidden [[buffer(0)]], device const float* added [[buffer(1)]],
    device const float* post_norm [[buffer(2)]], device const float* norm [[buffer(3)]],
    device uint* values [[buffer(4)]], device float4* blocks [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint3 group [[threadgroup_position_in_grid]], uint3 groups [[threadgroups_per_grid]],
    uint t [[thread_index_in_threadgroup]]) {
  threadgroup float sums[32];
  const uint row = linear_index(group, groups), columns = params.columns, row_blocks = (columns + 31) / 32;
  if (row >= params.rows) return;
  device float* own = hidden + (params.first_row + row) * row_blocks * 32;
  device const float* more = added + (params.first_row + row) * params.stride;
  float scale = 1, squares = 0;
  if (adds == 2) {
    for (uint i = t; i < columns; i += THREADS) squares += more[i] * more[i];
    scale = rsqrt(threadgroup_sum<THREADS>(squares, t, sums) / float(columns) + params.epsilon);
    squares = 0;
  }
  for (uint i = t; i < columns; i += THREADS) {
    float h = own[i];
    if (adds != 0) {
      h += adds == 2 ? more[i] * scale * post_norm[i] : more[i];
      own[i] = h;
    }
    squares += h * h;
  }
  scale = rsqrt(threadgroup_sum<THREADS>(squares, t, sums) / float(columns) + params.epsilon);
  const StoredBlocks stored = {values, blocks, t % 32};
  // Each number of hidden is read by the thread that wrote it.
  for (uint i = t; i < row_blocks * 32; i += THREADS) {
    const float h = i < columns ? own[i] * scale : 0;
    stored.store(row * row_blocks + i / 32, i < columns ? h * norm[i] : 0, h);
  }
}
