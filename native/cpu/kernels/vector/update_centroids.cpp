// centroid = sum over the splits / size, or scaled to length 1; an empty cluster keeps its centroid.
// One invocation a cluster of a subspace.
#include "contracts/update_centroids.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void update_centroids(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::update_centroids;
  const Params params = dispatch.params<Params>();
  const bool normalize = dispatch.constants<Constants>().normalize == 1;
  const uint32_t* sizes = dispatch.buffer<uint32_t>(Binding::sizes);
  const size_t split_words = size_t{params.padded_clusters} * params.chunks * 4;
  const uint32_t subspaces = params.chunks / params.subspace_chunks;
  const Span span = invocations(begin, end, size_t{params.clusters} * subspaces);
  for (size_t i = span.first; i < span.last; i++) {
    if (sizes[i] == 0) continue;
    const uint32_t k = static_cast<uint32_t>(i % params.clusters),
                   subspace = static_cast<uint32_t>(i / params.clusters);
    const size_t first = word_of(k, subspace * params.subspace_chunks, params.chunks);
    const float* sums = dispatch.buffer<float>(Binding::sums) + first;
    float* centroid = dispatch.buffer<float>(Binding::centroids) + first;
    Quad squares{};
    for (uint32_t c = 0; c < params.subspace_chunks; c++) {
      Quad sum = load<Quad>(sums + c * CHUNK_STRIDE);
      for (uint32_t s = 1; s < params.splits; s++) sum += load<Quad>(sums + s * split_words + c * CHUNK_STRIDE);
      squares += sum * sum;
      store(centroid + c * CHUNK_STRIDE, normalize ? sum : sum / static_cast<float>(sizes[i]));
    }
    if (!normalize) continue;
    const float norm = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    const float scale = norm > 0 ? 1.0f / __builtin_sqrtf(norm) : 0.0f;
    for (uint32_t c = 0; c < params.subspace_chunks; c++) {
      store(centroid + c * CHUNK_STRIDE, load<Quad>(centroid + c * CHUNK_STRIDE) * scale);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
