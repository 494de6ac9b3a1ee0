// distances[q, r] = |q - r|^2 or -q.r for every query and row. A workgroup does 128 queries against 128 rows.
#include "contracts/pairwise_distances.hpp"

#include "cpu/kernels/common/distance_tile.hpp"
#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::pairwise_distances::Params;

// A tile's queries and rows; `distances` is where its first query's distance to its first row goes.
struct Tile {
  const float *queries, *rows;
  uint32_t query_count, row_count;
  float* distances;
};

// So few queries are not worth a transposed copy of the rows.
constexpr uint32_t FEW_QUERIES = 4;

void scan_tile(const Tile& tile, const Params& params, uint32_t metric) {
  for (uint32_t row = 0; row < tile.row_count; row += GROUP) {
    for (uint32_t q = 0; q < tile.query_count; q++) {
      float distances[GROUP];
      const RowChunks query = {tile.queries + word_of(q, 0, params.chunks), params.chunks};
      group_distances(metric, tile.rows + word_of(row, 0, params.chunks), query, distances);
      float* to = tile.distances + size_t{q} * params.stride + row;
      std::memcpy(to, distances, minimum(GROUP, tile.row_count - row) * sizeof(float));
    }
  }
}

template <Measure measure>
void multiply_panel(const float* panel, const Tile& tile, const Params& params, uint32_t row) {
  constexpr float starts[BLOCK] = {};
  const uint32_t live = minimum(PANEL, tile.row_count - row);
  for (uint32_t first = 0; first < tile.query_count; first += BLOCK) {
    Floats sums[BLOCK][2];
    block_sums<measure>(panel, tile.queries + word_of(first, 0, params.chunks), params.chunks, starts, sums);
    float results[BLOCK][PANEL];
    for (int r = 0; r < BLOCK; r++) {
      for (int v = 0; v < 2; v++) store(results[r] + v * LANES, measure == Measure::product ? -sums[r][v] : sums[r][v]);
    }
    for (uint32_t q = 0; q < minimum(BLOCK, tile.query_count - first); q++) {
      std::memcpy(tile.distances + size_t{first + q} * params.stride + row, results[q], live * sizeof(float));
    }
  }
}

void multiply_tile(const Tile& tile, const Params& params, uint32_t metric, float* panel) {
  for (uint32_t row = 0; row < tile.row_count; row += PANEL) {
    pack_panel(tile.rows + word_of(row, 0, params.chunks), params.chunks, panel);
    if (metric == 0) multiply_panel<Measure::squared_difference>(panel, tile, params, row);
    if (metric != 0) multiply_panel<Measure::product>(panel, tile, params, row);
  }
}

}  // namespace

void pairwise_distances(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::pairwise_distances;
  const auto& params = dispatch.params<contract::pairwise_distances::Params>();
  const uint32_t metric = dispatch.constants<Constants>().metric;
  float* panel = scratch<float>(panel_floats(params.chunks));
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t query = group.y * TILE, row = group.x * TILE;
    if (query >= params.query_count || row >= params.rows) continue;
    const Tile tile = {dispatch.buffer<float>(Binding::queries) + word_of(query, 0, params.chunks),
                       dispatch.buffer<float>(Binding::storage) + word_of(row, 0, params.chunks),
                       minimum(TILE, params.query_count - query), minimum(TILE, params.rows - row),
                       dispatch.buffer<float>(Binding::distances) + size_t{query} * params.stride + row};
    if (tile.query_count < FEW_QUERIES) {
      scan_tile(tile, params, metric);
    } else {
      multiply_tile(tile, params, metric, panel);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
