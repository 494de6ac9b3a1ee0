// Distances to codes: the sum over m of |q_m - r c_m - b_mj|^2 (metric 0) or -q_m.b_mj, and -q.c where r (metric 1).
// One threadgroup: every splits-th run of 256 codes of one list for one query, by tables of 16 (8 bits) or 32
// subspaces.
#include "contracts/scan_codes.h"

#include "common/distance.h"
#include "common/index.h"
#include "common/unroll.h"

constant uint ENTRIES = 1 << bits;
constant uint SLICE = 128 / bits;             // subspaces of one 16-byte chunk of codes
constant uint QUARTER = SLICE / 4 * ENTRIES;  // of the table: what a word of codes needs

// A query, the centroid of its list and the codebooks.
struct Point {
  device const float4* query;
  device const float4* centroid;
  device const float4* codebooks;
  constant Params& params;

  // What entry (m, codeword) adds up to, four subspaces m, m + step .. at a time to have their loads in flight
  // together.
  float4 table_entries(uint codeword, uint m, uint step) const thread {
    const uint4 chunk = min(m + uint4(0, 1, 2, 3) * step, uint4(params.subspaces - 1)) * params.subspace_chunks;
    device const float4* book = codebooks + packed_index(codeword, params.chunks, 0);
    float4 sum = float4(0);
    for (uint i = 0; i < params.subspace_chunks; i++) {
      UNROLL for (uint j = 0; j < 4; j++) {
        const uint offset = (chunk[j] + i) * 32;
        float4 target = query[offset];
        if (metric == 0 && residual == 1) target -= centroid[offset];
        sum[j] = add_distance(sum[j], target, book[offset]);
      }
    }
    return sum;
  }

  // Fills the table for subspaces first .. first + SLICE - 1; those past the last one add nothing.
  void build_table(threadgroup float* table, uint first, uint t) const thread {
    const uint step = 256 >> bits, codeword = t & (ENTRIES - 1);
    for (uint base = 0; base < SLICE; base += 4 * step) {
      // With 8 bits the subspace is the same for the whole threadgroup, and the compiler should see that.
      const uint local = bits == 8 ? base : base + (t >> bits);
      float4 entries = float4(0);
      if (codeword < params.codewords) entries = table_entries(codeword, first + local, step);
      UNROLL for (uint j = 0; j < 4; j++) {
        const uint m = local + j * step;
        if (m < SLICE) table[m * ENTRIES + codeword] = first + m < params.subspaces ? entries[j] : 0;
      }
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
