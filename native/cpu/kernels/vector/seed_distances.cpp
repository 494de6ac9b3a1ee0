// One pass of k-means++: nearest = min(nearest, |p - c|^2) for the centroid drawn last, and each block's sum of them.
// A workgroup does 1024 points of one subspace.
#include "contracts/seed_distances.hpp"

#include "cpu/kernels/common/row_scan.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void seed_distances(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::seed_distances;
  const Params params = dispatch.params<Params>();
  const float* points = dispatch.buffer<float>(Binding::points);
  const uint32_t* steps = dispatch.buffer<uint32_t>(Binding::steps);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t subspace = group.y, first_chunk = subspace * params.subspace_chunks;
    const uint32_t first = group.x * 1024;
    if (group.x >= params.blocks || first >= params.rows) continue;
    const uint32_t count = minimum(1024, params.rows - first);
    const float* centroid =
        dispatch.buffer<float>(Binding::centroids) + word_of(steps[subspace] - 1, first_chunk, params.chunks);
    float* nearest = dispatch.buffer<float>(Binding::nearest) + size_t{subspace} * params.rows + first;
    for (uint32_t i = 0; i < count; i += GROUP) {
      float sums[GROUP];
      const float* rows = points + word_of(first + i, first_chunk, params.chunks);
      group_sums<Scan::squared_difference>(rows, {centroid, params.subspace_chunks}, sums);
      for (uint32_t r = 0; r < minimum(GROUP, count - i); r++) {
        if (steps[subspace] == 1 || sums[r] < nearest[i + r]) nearest[i + r] = sums[r];
      }
    }
    dispatch.buffer<float>(Binding::sums)[size_t{subspace} * params.blocks + group.x] = sum_of(nearest, count);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
