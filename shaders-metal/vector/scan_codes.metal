// Distances to codes: the sum over m of |q_m - r c_m - b_mj|^2 (metric 0) or -q_m.b_mj, and -q.c where r (metric 1).
// One threadgroup: every splits-th run of 256 codes of one list for one query, by tables of 16 (8 bits) or 32
// subspaces.
#include "contracts/scan_codes.h"

#include "common/distance.h"
#include "common/index.h"
#include "common/unroll.h"

constant uint ENTRIES = 1 << bits;
constant uint WIDTH = ENTRIES / 4;            // threads of a subspace
constant uint SLICE = 128 / bits;             // subspaces of one 16-byte chunk of codes
constant uint QUARTER = SLICE / 4 * ENTRIES;  // of the table: what a word of codes needs

// A query, the centroid of its list and the codebooks.
struct Point {
  device const float4* query;
  device const float4* centroid;
  device const float4* codebooks;
  constant Params& params;

  // Fills the table for subspaces first .. first + SLICE - 1; those past the last one add nothing. A thread does four
  // codewords of a subspace, for which it reads query and centroid once. Codewords that are not there are the last one.
  void build_table(threadgroup float* table, uint first, uint t) const thread {
    const uint codeword = t % WIDTH;
    device const float4* books[4];
    UNROLL for (uint j = 0; j < 4; j++) {
      books[j] = codebooks + packed_index(min(codeword + j * WIDTH, params.codewords - 1), params.chunks, 0);
    }
    for (uint local = t / WIDTH; local < SLICE; local += 256 / WIDTH) {
      const uint m = first + local, chunks = m < params.subspaces ? params.subspace_chunks : 0;
      float4 entries = float4(0);
      for (uint i = 0; i < chunks; i++) {
        const uint offset = (m * params.subspace_chunks + i) * 32;
        float4 target = query[offset];
        if (metric == 0 && residual == 1) target -= centroid[offset];
        UNROLL for (uint j = 0; j < 4; j++) entries[j] = add_distance(entries[j], target, books[j][offset]);
      }
      UNROLL for (uint j = 0; j < 4; j++) table[local * ENTRIES + codeword + j * WIDTH] = entries[j];
    }
  }

  // What the list's centroid adds to each of its inner products.
  float base() const thread {
    float sum = 0;
    if (metric == 1 && residual == 1)
      for (uint c = 0; c < params.chunks; c++) sum = add_distance(sum, query[c * 32], centroid[c * 32]);
    return sum;
  }
};

// The sum over the subspaces of a word, whose first one has the first entries of `table`.
inline float look_up(threadgroup const float* table, uint word) {
  float sum = 0;
  for (uint i = 0; i < 32 / bits; i++) sum += table[i * ENTRIES + extract_bits(word, i * bits, bits)];
  return sum;
}

[[max_total_threads_per_threadgroup(256)]] kernel void scan_codes(
    device const float4* queries [[buffer(0)]], device const float4* centroids [[buffer(1)]],
    device const float4* codebooks [[buffer(2)]], device const uint* probes [[buffer(3)]],
    device const uint* offsets [[buffer(4)]], device const uint* list_begin [[buffer(5)]],
    device const uint* groups [[buffer(6)]], device const uint* list_rows [[buffer(7)]],
    device const uint4* codes [[buffer(8)]], device float* distances [[buffer(9)]],
    constant Params& params [[buffer(10)]], uint3 position [[threadgroup_position_in_grid]],
    uint3 grid [[threadgroups_per_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float table[4096];
  const uint probe = position.y * params.probe_count + position.x, list = probes[probe];
  if (list == NONE) return;
  const uint rows = list_rows[list], first_page = list_begin[list];
  if (position.z * 256 >= rows) return;
  device float* results = distances + position.y * params.stride + offsets[probe];
  const Point point = {queries + packed_index(position.y, params.chunks, 0),
                       centroids + packed_index(list, params.chunks, 0), codebooks, params};
  const float base = point.base();
  for (uint slice = 0; slice < params.code_chunks; slice++) {
    threadgroup_barrier(mem_flags::mem_threadgroup);
    point.build_table(table, slice * SLICE, t);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = position.z * 256 + t; i < rows; i += grid.z * 256) {
      const uint group = groups[first_page + i / 32] - params.first_group;
      if (group >= params.group_count) continue;
      const uint4 code = codes[(group * params.code_chunks + slice) * 32 + i % 32];
      const float sum = (look_up(table, code.x) + look_up(table + QUARTER, code.y)) +
                        (look_up(table + 2 * QUARTER, code.z) + look_up(table + 3 * QUARTER, code.w));
      results[i] = (slice == 0 ? base : results[i]) + sum;
    }
  }
}
