// Distances of a query's latent to the stored codes of one probed list: |q - scale code|^2 (metric 0) or -scale q.code.
// A workgroup does every splits-th slab of 256 rows.
#include "contracts/scan_latents.hpp"

#include "cpu/kernels/common/lists.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::scan_latents::Params;

// `row` is the row's first chunk of codes, `query` the query's first chunk of floats.
float row_distance(const uint32_t* row, const float* query, const Params& params, uint32_t metric) {
  float scale;
  std::memcpy(&scale, row + params.words / 4 * CHUNK_STRIDE + params.words % 4, sizeof scale);
  const float step = metric == 0 ? scale : 1;
  Quad sums{};
  for (uint32_t word = 0; word < params.words; word++, query += CHUNK_STRIDE) {
    int8_t codes[4];
    std::memcpy(codes, row + word / 4 * CHUNK_STRIDE + word % 4, sizeof codes);
    const Quad values = {static_cast<float>(codes[0]), static_cast<float>(codes[1]), static_cast<float>(codes[2]),
                         static_cast<float>(codes[3])};
    const Quad target = load<Quad>(query);
    const Quad difference = target - values * step;
    sums += metric == 0 ? difference * difference : target * values;
  }
  const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return metric == 0 ? sum : -sum * scale;
}

}  // namespace

void scan_latents(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_latents;
  const Params params = dispatch.params<Params>();
  const uint32_t metric = dispatch.constants<Constants>().metric;
  const uint32_t* storage = dispatch.buffer<uint32_t>(Binding::storage);
  scan_probes<Binding>(dispatch, params, begin, end, [&](const Probe& probe, auto&& visit_groups) {
    const float* query = dispatch.buffer<float>(Binding::queries) + word_of(probe.query, 0, params.words);
    visit_groups([&](uint32_t page, uint32_t first, uint32_t live) {
      for (uint32_t r = 0; r < live; r++) {
        const uint32_t* row = storage + word_of(page * GROUP + r, 0, params.chunks);
        probe.distances[first + r] = row_distance(row, query, params, metric);
      }
    });
  });
}

}  // namespace wavetile::cpu::WAVETILE_ISA
