// Row-major words to packed rows; normalize: row / |row|; check: the first row that is not finite or too long.
// One threadgroup packs a group of 32 rows, 8 chunks at a time, through its memory.
#include "contracts/pack_rows.h"

#include "common/index.h"

constexpr constant uint PITCH = 33;  // words of a row in threadgroup memory, odd against bank conflicts

// Loads chunks first .. first + 7 of the group's rows: a SIMD-group reads neighbouring words of one row.
inline void load_words(device const uint* source, threadgroup uint* words, constant Params& params, uint3 at) {
  const uint first_row = at.x, first_chunk = at.y, t = at.z;
  const uint subspace_chunks = (params.subdimensions + 3) / 4;
  const uint chunk = first_chunk + (t & 31) / 4;
  const uint within = chunk % subspace_chunks * 4 + (t & 3);
  const uint dimension = chunk / subspace_chunks * params.subdimensions + within;
  const bool live = chunk < params.chunks && within < params.subdimensions && dimension < params.dimensions;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint lane = t >> 5; lane < 32; lane += 8) {
    const uint row = first_row + lane;
    words[lane * PITCH + (t & 31)] = live && row < params.rows ? source[row * params.dimensions + dimension] : 0;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// The squared norm of row `lane`, added up from its 8 threads in order.
inline float row_norm(threadgroup float* norms, float own, uint t) {
  norms[t] = own;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  float sum = 0;
  for (uint i = t & 31; i < 256; i += 32) sum += norms[i];
  return sum;
}

[[max_total_threads_per_threadgroup(256)]] kernel void pack_rows(device const uint* source [[buffer(0)]],
                                                                 device uint4* packed [[buffer(1)]],
                                                                 device atomic_uint* first_invalid [[buffer(2)]],
                                                                 constant Params& params [[buffer(3)]],
                                                                 uint3 position [[threadgroup_position_in_grid]],
                                                                 uint3 groups [[threadgroups_per_grid]],
                                                                 uint t [[thread_index_in_threadgroup]]) {
  threadgroup uint words[32 * PITCH];
  threadgroup float norms[256];
  const uint group = linear_index(position, groups);
  if (group >= params.padded_rows / 32) return;
  const uint lane = t & 31, part = t >> 5, row = group * 32 + lane;
  float scale = 1, norm = 0;
  for (uint pass = ::normalize == 1 ? 0 : 1; pass < 2; pass++) {
    float own = 0;
    for (uint chunk = 0; chunk < params.chunks; chunk += 8) {
      load_words(source, words, params, uint3(group * 32, chunk, t));
      const uint first = lane * PITCH + part * 4;
      uint4 value = uint4(words[first], words[first + 1], words[first + 2], words[first + 3]);
      if (check == 1 || ::normalize == 1) {
        const float4 numbers = as_type<float4>(value);
        own += dot(numbers, numbers);
        if (::normalize == 1) value = as_type<uint4>(numbers * scale);
      }
      if (pass == 1 && chunk + part < params.chunks) packed[packed_index(row, params.chunks, chunk + part)] = value;
    }
    if (pass == 0) {
      norm = row_norm(norms, own, t);
      if (norm > 0) scale = 1 / sqrt(norm);
    } else if (check == 1 && ::normalize == 0) {
      norm = row_norm(norms, own, t);
    }
  }
  // A number that is not finite makes the norm one.
  if (check == 1 && part == 0 && !isfinite(norm))
    atomic_fetch_min_explicit(&first_invalid[0], row, memory_order_relaxed);
}
