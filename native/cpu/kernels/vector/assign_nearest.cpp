// label = arg min over clusters of |c|^2 - 2 p.c (L2) or -p.c (inner product); ties go to the lower cluster.
// Found as arg max of p.c - |c|^2 / 2: the sums start at -|c|^2 / 2, or at -infinity past the last cluster.
#include "contracts/assign_nearest.hpp"

#include "cpu/kernels/common/distance_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

struct Best {
  alignas(64) float score[TILE];
  alignas(64) int32_t cluster[TILE];
};

// Clusters [first, first + 32) against one panel of points.
void keep_nearest(const float* panel, const float* centroids, const float* starts, uint32_t chunks, uint32_t first,
                  uint32_t count, float* scores, int32_t* clusters) {
  Floats score[2] = {load<Floats>(scores), load<Floats>(scores + LANES)};
  Ints cluster[2] = {load<Ints>(clusters), load<Ints>(clusters + LANES)};
  for (uint32_t block = 0; block < count; block += BLOCK) {
    Floats sums[BLOCK][2];
    block_sums<Measure::product>(panel, centroids + block * 4, chunks, starts + block, sums);
#pragma GCC unroll 8
    for (int r = 0; r < BLOCK; r++) {
      const Ints id = broadcast(static_cast<int32_t>(first + block + r));
#pragma GCC unroll 2
      for (int v = 0; v < 2; v++) {
        cluster[v] = sums[r][v] > score[v] ? id : cluster[v];
        score[v] = sums[r][v] > score[v] ? sums[r][v] : score[v];
      }
    }
  }
  for (int v = 0; v < 2; v++) {
    store(scores + v * LANES, score[v]);
    store(clusters + v * LANES, cluster[v]);
  }
}

}  // namespace

void assign_nearest(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::assign_nearest;
  const Params params = dispatch.params<Params>();
  const bool l2 = dispatch.constants<Constants>().metric == 0;
  const uint32_t chunks = params.subspace_chunks;
  const float* centroids = dispatch.buffer<float>(Binding::centroids);
  float* panels = scratch<float>(TILE / PANEL * panel_floats(chunks));

  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first_row = group.x * TILE, subspace = group.y;
    if (first_row >= params.rows) continue;
    const uint32_t rows = minimum(TILE, params.rows - first_row);
    const uint32_t first_chunk = subspace * chunks;
    pack_panels({dispatch.buffer<float>(Binding::points), params.chunks, first_chunk, chunks}, first_row, rows, panels);
    Best best;
    for (uint32_t i = 0; i < TILE; i++) best.score[i] = -INFINITE, best.cluster[i] = 0;

    const float* norms = dispatch.buffer<float>(Binding::centroid_norms) + size_t{subspace} * params.clusters;
    for (uint32_t first = 0; first < params.clusters; first += GROUP) {
      const uint32_t count = minimum(GROUP, params.clusters - first);
      float starts[GROUP];
      for (uint32_t i = 0; i < GROUP; i++) starts[i] = i >= count ? -INFINITE : l2 ? -0.5f * norms[first + i] : 0.0f;
      const float* block = centroids + word_of(first, first_chunk, params.chunks);
      for (uint32_t row = 0; row < rows; row += PANEL) {
        const float* panel = panels + row / PANEL * panel_floats(chunks);
        keep_nearest(panel, block, starts, chunks, first, count, best.score + row, best.cluster + row);
      }
    }

    const size_t result = size_t{subspace} * params.rows + first_row;
    const float* point_norms = dispatch.buffer<float>(Binding::point_norms) + result;
    uint32_t* labels = dispatch.buffer<uint32_t>(Binding::labels) + result;
    float* distances = dispatch.buffer<float>(Binding::distances) + result;
    for (uint32_t i = 0; i < rows; i++) {
      const float distance = point_norms[i] - 2.0f * best.score[i];
      labels[i] = static_cast<uint32_t>(best.cluster[i]);
      distances[i] = !l2 ? -best.score[i] : distance > 0.0f ? distance : 0.0f;
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
