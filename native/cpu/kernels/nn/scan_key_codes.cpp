// Scores of coded keys by a table of subspaces x codewords; each part of the keys keeps its `heavy` greatest, in order
// of position, ties to the lower one. A workgroup does one part of the keys for one head of the list.
#include "contracts/scan_key_codes.hpp"

#include "cpu/kernels/common/packed_rows.hpp"
#include "cpu/kernels/common/selection.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::scan_key_codes::Params;

// table[m * codewords + k] = (sum of the head's queries)_m . codeword k.
void fill_table(const float* queries, const float* codebooks, const Params& params, uint32_t kv, float* table) {
  const uint32_t subspaces = params.dimensions / params.subdimensions, padded = params.subspace_chunks * 4;
  float query[1024] = {};
  for (uint32_t row = 0; row < params.query_rows; row++, queries += params.dimensions) {
    for (uint32_t i = 0; i < params.dimensions; i++)
      query[i / params.subdimensions * padded + i % params.subdimensions] += queries[i];
  }
  for (uint32_t m = 0; m < subspaces; m++) {
    for (uint32_t k = 0; k < params.codewords; k++) {
      Quad sum{};
      for (uint32_t c = 0; c < params.subspace_chunks; c++) {
        const uint32_t chunk = (kv * subspaces + m) * params.subspace_chunks + c;
        sum += load<Quad>(query + m * padded + c * 4) * load<Quad>(codebooks + word_of(k, chunk, params.chunks));
      }
      table[m * params.codewords + k] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  }
}

void score_keys(const uint8_t* codes, const float* table, const Params& params, uint32_t count, float* scores) {
  const uint32_t subspaces = params.dimensions / params.subdimensions;
  for (uint32_t i = 0; i < count; i++) scores[i] = table[codes[i]];
  for (uint32_t m = 1; m < subspaces; m++) {
    codes += size_t{params.words} * 4, table += params.codewords;
    for (uint32_t i = 0; i < count; i++) scores[i] += table[codes[i]];
  }
}

}  // namespace

void scan_key_codes(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_key_codes;
  const auto& params = dispatch.params<contract::scan_key_codes::Params>();
  const uint32_t keys_total = dispatch.buffer<uint32_t>(Binding::state)[0];
  if (keys_total < params.window) return;
  const uint32_t last = keys_total - params.window, subspaces = params.dimensions / params.subdimensions;
  std::byte* memory = scratch<std::byte>(4096 * 4 + size_t{params.part} * 12);
  uint64_t* keys = reinterpret_cast<uint64_t*>(memory);
  float* scores = reinterpret_cast<float*>(keys + params.part);
  float* table = scores + params.part;
  uint32_t filled = 0xFFFFFFFF;  // the head whose table it is
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first = params.sink + group.x * params.part;
    if (first >= last) continue;
    const uint32_t kv = group.y / params.heads_per_kv, head = params.first_kv * params.heads_per_kv + group.y;
    if (filled != head) {
      fill_table(dispatch.buffer<float>(Binding::queries) + size_t{head} * params.query_rows * params.dimensions,
                 dispatch.buffer<float>(Binding::codebooks), params, kv, table);
      filled = head;
    }
    const uint32_t count = minimum(params.part, last - first), want = minimum(params.heavy, count);
    const uint8_t* codes = dispatch.buffer<uint8_t>(Binding::codes) + size_t{kv} * subspaces * params.words * 4 + first;
    score_keys(codes, table, params, count, scores);
    for (uint32_t i = 0; i < count; i++) keys[i] = key_of(-scores[i], i);
    if (want < count) select_keys(keys, count, want);
    for (uint32_t i = 0; i < want; i++) keys[i] = index_of(keys[i]);
    sort_keys(keys, want);
    const size_t place = size_t{head} * params.stride + size_t{group.x} * minimum(params.heavy, params.part);
    for (uint32_t i = 0; i < want; i++) {
      const uint32_t at = static_cast<uint32_t>(keys[i]);
      dispatch.buffer<uint32_t>(Binding::scores)[place + i] = static_cast<uint32_t>(key_of(scores[at], 0) >> 32);
      dispatch.buffer<uint32_t>(Binding::positions)[place + i] = first + at;
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
