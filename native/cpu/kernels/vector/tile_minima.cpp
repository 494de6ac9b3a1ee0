// minima[q, tile] = smallest distance of query q to the live rows of a tile of 128.
// A workgroup does one tile against 128 queries, which lie in the vectors' lanes.
#include "contracts/tile_minima.hpp"

#include "cpu/kernels/common/distance_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::tile_minima::Params;

// The smallest sum (or the greatest product) of each query in the panel. `starts` keeps rows past the last one out.
template <Measure measure>
void panel_minima(const float* panel, const float* tile, const Params& params, uint32_t rows, float* minima) {
  const float outside = measure == Measure::product ? -INFINITE : INFINITE;
  Floats best[2] = {broadcast(outside), broadcast(outside)};
  for (uint32_t row = 0; row < rows; row += BLOCK) {
    float starts[BLOCK];
    for (uint32_t r = 0; r < BLOCK; r++) starts[r] = row + r < rows ? 0.0f : outside;
    Floats sums[BLOCK][2];
    block_sums<measure>(panel, tile + word_of(row, 0, params.chunks), params.chunks, starts, sums);
#pragma GCC unroll 8
    for (int r = 0; r < BLOCK; r++) {
      for (int v = 0; v < 2; v++) {
        best[v] = measure == Measure::product ? -smaller(-best[v], -sums[r][v]) : smaller(best[v], sums[r][v]);
      }
    }
  }
  for (int v = 0; v < 2; v++) store(minima + v * LANES, measure == Measure::product ? -best[v] : best[v]);
}

}  // namespace

void tile_minima(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::tile_minima;
  const Params params = dispatch.params<Params>();
  const bool l2 = dispatch.constants<Constants>().metric == 0;
  const float* queries = dispatch.buffer<float>(Binding::queries);
  float* minima = dispatch.buffer<float>(Binding::minima);
  float* panels = scratch<float>(TILE / PANEL * panel_floats(params.chunks));
  uint32_t packed = 0xFFFFFFFF;  // the query tile that `panels` holds
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first_query = group.y * TILE, first_row = group.x * TILE;
    if (first_query >= params.query_count || first_row >= params.rows) continue;
    const uint32_t count = minimum(TILE, params.query_count - first_query);
    const uint32_t rows = minimum(TILE, params.rows - first_row);
    if (packed != group.y) pack_panels({queries, params.chunks, 0, params.chunks}, first_query, count, panels);
    packed = group.y;
    const float* tile = dispatch.buffer<float>(Binding::storage) + word_of(first_row, 0, params.chunks);
    for (uint32_t q = 0; q < count; q += PANEL) {
      const float* panel = panels + q / PANEL * panel_floats(params.chunks);
      float best[PANEL];
      if (l2) panel_minima<Measure::squared_difference>(panel, tile, params, rows, best);
      if (!l2) panel_minima<Measure::product>(panel, tile, params, rows, best);
      for (uint32_t i = 0; i < minimum(PANEL, count - q); i++) {
        minima[size_t{first_query + q + i} * params.stride + params.first_tile + group.x] = best[i];
      }
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
