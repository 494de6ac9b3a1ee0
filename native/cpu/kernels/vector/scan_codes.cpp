// Asymmetric distances of a query to the codes of one probed list: sums of table entries, one for each code byte.
// A workgroup does every splits-th slab of 256 rows. Two 4-bit codes share a byte and so a table of 256 entries.
#include "contracts/scan_codes.hpp"

#include "cpu/kernels/common/code_tables.hpp"
#include "cpu/kernels/common/lists.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::scan_codes::Constants;
using contract::scan_codes::Params;

struct Tables {
  Codebooks codebooks;
  float *target, *entries;  // the (residual) query in row order, and the tables
  uint32_t bytes;           // code bytes of a row
  float bias;
};

Tables make_tables(const Params& params, const Constants& constants) {
  const uint32_t pitch = (params.codewords + PANEL - 1) / PANEL * PANEL;
  const uint32_t bytes = constants.bits == 8 ? params.subspaces : (params.subspaces + 1) / 2;
  const size_t values = size_t{params.chunks} * 4 * pitch, entries = size_t{bytes} * TABLE;
  float* memory = scratch<float>(values + entries + params.chunks * 4);
  return {{memory, pitch, params.chunks}, memory + values + entries, memory + values, bytes, 0};
}

void fill_tables(const Tables& tables, const Params& params, const Constants& constants) {
  const auto fill = [&](uint32_t subspace, float* table) {
    const uint32_t first = subspace * params.subspace_chunks, count = params.subspace_chunks;
    if (constants.metric == 0)
      fill_table<Measure::squared_difference>(tables.codebooks, tables.target, first, count, table);
    if (constants.metric != 0) fill_table<Measure::product>(tables.codebooks, tables.target, first, count, table);
  };
  for (uint32_t byte = 0; byte < tables.bytes; byte++) {
    float* table = tables.entries + size_t{byte} * TABLE;
    if (constants.bits == 8) {
      fill(byte, table);
      continue;
    }
    float low[GROUP] = {}, high[GROUP] = {};
    fill(byte * 2, low);
    if (byte * 2 + 1 < params.subspaces) fill(byte * 2 + 1, high);
    join_tables(low, high, table);
  }
}

// target = q - c for residual L2, else q; the inner product's share of the centroid is the bias.
void set_target(Tables& tables, const Constants& constants, const float* query, const float* centroid) {
  Quad product{};
  for (uint32_t c = 0; c < tables.codebooks.chunks; c++) {
    Quad value = load<Quad>(query + c * CHUNK_STRIDE);
    if (constants.residual) {
      const Quad center = load<Quad>(centroid + c * CHUNK_STRIDE);
      product += value * center;
      if (constants.metric == 0) value -= center;
    }
    store(tables.target + c * 4, value);
  }
  tables.bias = constants.metric == 0 ? 0.0f : -((product[0] + product[1]) + (product[2] + product[3]));
}

float row_distance(const Tables& tables, const uint8_t* codes) {
  float sums[2] = {tables.bias, 0};
  const float* table = tables.entries;
  uint32_t byte = 0;
  const auto at = [codes](uint32_t index) { return codes + index / 16 * (CHUNK_STRIDE * 4) + index % 16; };
  for (; byte + 8 <= tables.bytes; byte += 8) {
    const uint8_t* eight = at(byte);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++, table += TABLE) sums[i % 2] += table[eight[i]];
  }
  for (; byte < tables.bytes; byte++, table += TABLE) sums[byte % 2] += table[*at(byte)];
  return sums[0] + sums[1];
}

}  // namespace

void scan_codes(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_codes;
  const auto& params = dispatch.params<contract::scan_codes::Params>();
  const auto& constants = dispatch.constants<contract::scan_codes::Constants>();
  const uint8_t* codes = dispatch.buffer<uint8_t>(Binding::codes);
  const float* centroids = dispatch.buffer<float>(Binding::centroids);
  Tables tables = make_tables(params, constants);
  pack_codebooks(dispatch.buffer<float>(Binding::codebooks), tables.codebooks);
  uint32_t filled = NONE;  // the query that the tables hold, where they do not depend on the list
  scan_probes<Binding>(dispatch, params, begin, end, [&](const Probe& probe, auto&& visit_groups) {
    set_target(tables, constants, dispatch.buffer<float>(Binding::queries) + word_of(probe.query, 0, params.chunks),
               constants.residual ? centroids + word_of(probe.list, 0, params.chunks) : nullptr);
    if (filled != probe.query || (constants.residual && constants.metric == 0)) fill_tables(tables, params, constants);
    filled = probe.query;
    visit_groups([&](uint32_t page, uint32_t first, uint32_t live) {
      const uint8_t* rows = codes + word_of(page * GROUP, 0, params.code_chunks) * 4;
      for (uint32_t r = 0; r < live; r++) probe.distances[first + r] = row_distance(tables, rows + r * 16);
    });
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
