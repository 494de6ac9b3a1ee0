// minima[q, tile] = smallest distance of query q to the live rows of a tile of 128, for few queries.
// A workgroup reads one tile once, for 8 queries.
#include "contracts/scan_minima.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void scan_minima(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::scan_minima;
  const Params params = dispatch.params<Params>();
  const uint32_t metric = dispatch.constants<Constants>().metric;
  const float* queries = dispatch.buffer<float>(Binding::queries);
  const float* storage = dispatch.buffer<float>(Binding::storage);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first_query = group.y * 8, first_row = group.x * TILE;
    if (first_query >= params.query_count || first_row >= params.rows) continue;
    const uint32_t count = minimum(8, params.query_count - first_query);
    const uint32_t rows = minimum(TILE, params.rows - first_row);
    float best[8] = {INFINITE, INFINITE, INFINITE, INFINITE, INFINITE, INFINITE, INFINITE, INFINITE};
    for (uint32_t row = 0; row < rows; row += GROUP) {
      for (uint32_t q = 0; q < count; q++) {
        float distances[GROUP];
        const RowChunks query = {queries + word_of(first_query + q, 0, params.chunks), params.chunks};
        group_distances(metric, storage + word_of(first_row + row, 0, params.chunks), query, distances);
        for (uint32_t r = rows - row; r < GROUP; r++) distances[r] = INFINITE;
        Floats smallest = load<Floats>(distances);
        for (uint32_t v = LANES; v < GROUP; v += LANES) smallest = smaller(smallest, load<Floats>(distances + v));
        for (int i = 0; i < LANES; i++) best[q] = smallest[i] < best[q] ? smallest[i] : best[q];
      }
    }
    float* minima = dispatch.buffer<float>(Binding::minima) + params.first_tile + group.x;
    for (uint32_t q = 0; q < count; q++) minima[size_t{first_query + q} * params.stride] = best[q];
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
