// score = sum over m of q_m.codeword[m, code]; each part of the keys keeps its `heavy` greatest, in order of position.
// One threadgroup scans one part of a KV head's keys for one head of the list, by a table of subspaces x codewords.
#include "contracts/scan_key_codes.h"

#include "common/index.h"
#include "common/top_keys.h"
#include "common/unroll.h"

struct PartKeys {
  threadgroup uint* keys;

  uint operator[](uint i) const thread { return keys[i]; }
};

// The sum of the head's queries, each sub-vector padded to whole chunks.
inline void load_query(device const float* queries, constant Params& params, threadgroup float* query, uint t) {
  const uint padded = params.subspace_chunks * 4, dimensions = params.dimensions, each = params.subdimensions;
  for (uint i = t; i < dimensions / each * padded; i += 256) {
    const uint within = i % padded;
    float sum = 0;
    for (uint row = 0; within < each && row < params.query_rows; row++)
      sum += queries[row * dimensions + i / padded * each + within];
    query[i] = sum;
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// Product of chunks first, first + step ... of a sub-vector and a codeword. Eight loads are in flight at a time.
inline float partial_product(device const float4* codeword, threadgroup const float4* query, uint chunks, uint2 steps) {
  float4 sum = float4(0);
  for (uint base = steps.x; base < chunks; base += 8 * steps.y) {
    float4 parts[8];
    UNROLL for (uint i = 0; i < 8; i++) parts[i] = codeword[min(base + i * steps.y, chunks - 1) * 32];
    UNROLL for (uint i = 0; i < 8; i++) if (base + i * steps.y < chunks) sum += query[base + i * steps.y] * parts[i];
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}

// Where entries are few, two threads share one.
inline void build_table(device const float4* codebooks, constant Params& params, uint first_subspace,
                        threadgroup const float4* query, threadgroup float* table, uint t) {
  const uint codewords = params.codewords, each = params.subspace_chunks;
  const uint entries = params.dimensions / params.subdimensions * codewords, lanes = entries <= 128 ? 2 : 1;
  for (uint i = t; i < entries * lanes; i += 256) {
    const uint entry = i % entries, m = entry / codewords;
    const uint first = packed_index(entry % codewords, params.chunks, (first_subspace + m) * each);
    table[i] = partial_product(codebooks + first, query + m * each, each, uint2(i / entries, lanes));
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (lanes == 2 && t < entries) table[t] += table[entries + t];
  threadgroup_barrier(mem_flags::mem_threadgroup);
}

// Words of this thread's first, second and third four keys.
inline uint3 load_words(device const uint* codes, uint last, uint t) {
  return uint3(codes[min(t, last)], codes[min(t + 256, last)], codes[min(t + 512, last)]);
}

inline float4 look_up(threadgroup const float* table, uint word) {
  const uint4 code = uint4(as_type<uchar4>(word));
  return float4(table[code.x], table[code.y], table[code.z], table[code.w]);
}

[[max_total_threads_per_threadgroup(256)]] kernel void scan_key_codes(
    device const float* queries [[buffer(0)]], device const float4* codebooks [[buffer(1)]],
    device const uint* codes [[buffer(2)]], device const uint* state [[buffer(3)]], device uint* scores [[buffer(4)]],
    device uint* positions [[buffer(5)]], constant Params& params [[buffer(6)]],
    uint3 group [[threadgroup_position_in_grid]], uint t [[thread_index_in_threadgroup]]) {
  threadgroup float table[4096];
  threadgroup uint part_keys[2048];
  threadgroup TopMemory memory;
  const uint kv = group.y / params.heads_per_kv, head = params.first_kv * params.heads_per_kv + group.y;
  const uint total = state[0], first = params.sink + group.x * params.part, first_word = first / 4;
  if (first_word >= params.words) return;
  // The first codes and the query travel while the table is not there yet.
  const uint subspaces = params.dimensions / params.subdimensions, last = params.words - 1 - first_word;
  device const uint* own_codes = codes + kv * subspaces * params.words + first_word;
  threadgroup float4* query = (threadgroup float4*)memory.words;
  uint3 word = load_words(own_codes, last, t);
  load_query(queries + head * params.query_rows * params.dimensions, params, (threadgroup float*)query, t);
  if (total < params.window || first >= total - params.window) return;
  const uint count = min(params.part, total - params.window - first);
  build_table(codebooks, params, kv * subspaces, query, table, t);
  float4 sums[3] = {float4(0), float4(0), float4(0)};
  for (uint m = 0; m < subspaces; m++) {
    const uint3 next = load_words(own_codes + min(m + 1, subspaces - 1) * params.words, last, t);
    UNROLL for (uint step = 0; step < 3; step++) sums[step] += look_up(table + m * params.codewords, word[step]);
    word = next;
  }
  UNROLL for (uint step = 0; step < 3; step++) {
    UNROLL for (uint i = 0; i < 4; i++) {
      const uint at = (first_word + t + step * 256) * 4 + i - first;
      if (at < count) part_keys[at] = ordered_key(sums[step][i]);
    }
  }
  TopKeys<PartKeys> top = {{part_keys}, count, t, &memory};
  const uint most = min(params.heavy, params.part);
  top.bound(min(most, count));
  TopRun run = top.run(head * params.stride + group.x * most);
  for (uint i = run.begin + t % 32; i - t % 32 < run.end; i += 32) {
    uint place;
    if (!top.take(run, i, place)) continue;
    scores[place] = part_keys[i];
    positions[place] = first + i;
  }
}
