// Repairs empty clusters: each becomes its donor's centroid, and the two are moved apart by 1/1024 of each component.
// One workgroup does all triples (empty cluster, donor, subspace) in order, since a donor may repeat.
#include "contracts/split_clusters.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void split_clusters(const Dispatch& dispatch, uint32_t begin, uint32_t) {
  using namespace contract::split_clusters;
  if (begin != 0) return;
  const Params params = dispatch.params<Params>();
  const uint32_t* pairs = dispatch.buffer<uint32_t>(Binding::pairs);
  float* centroids = dispatch.buffer<float>(Binding::centroids);
  constexpr float more = 1.0f + 1.0f / 1024, less = 1.0f - 1.0f / 1024;
  constexpr Quad outwards = {more, less, more, less}, inwards = {less, more, less, more};
  for (size_t i = 0; i < params.count; i++) {
    const uint32_t first_chunk = pairs[i * 3 + 2] * params.subspace_chunks;
    for (uint32_t c = first_chunk; c < first_chunk + params.subspace_chunks; c++) {
      float* empty = centroids + word_of(pairs[i * 3], c, params.chunks);
      float* donor = centroids + word_of(pairs[i * 3 + 1], c, params.chunks);
      const Quad value = load<Quad>(donor);
      store(empty, value * outwards);
      store(donor, value * inwards);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
