// sums[s, k] = sum of the points of cluster k in part s of its part of `order`, in that order.
// A workgroup sums one part of one cluster of one subspace.
#include "contracts/cluster_sums.hpp"

#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

constexpr int WIDTH = 8;  // chunks whose sums stay in registers while the points pass by

template <int width>
void sum_chunks(const float* points, const uint32_t* order, uint32_t count, uint32_t chunks, Quad* sums) {
  Quad local[width] = {};
  for (uint32_t i = 0; i < count; i++) {
    const float* from = points + word_of(order[i], 0, chunks);
#pragma GCC unroll 8
    for (int c = 0; c < width; c++) local[c] += load<Quad>(from + c * CHUNK_STRIDE);
  }
  for (int c = 0; c < width; c++) sums[c] = local[c];
}

void sum_points(const float* points, const uint32_t* order, uint32_t count, uint32_t chunks, uint32_t width,
                Quad* sums) {
  uint32_t c = 0;
  for (; c + 8 <= width; c += 8) sum_chunks<8>(points + c * CHUNK_STRIDE, order, count, chunks, sums + c);
  for (; c + 4 <= width; c += 4) sum_chunks<4>(points + c * CHUNK_STRIDE, order, count, chunks, sums + c);
  for (; c < width; c++) sum_chunks<1>(points + c * CHUNK_STRIDE, order, count, chunks, sums + c);
}

}  // namespace

void cluster_sums(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::cluster_sums;
  const Params params = dispatch.params<Params>();
  const uint32_t* order = dispatch.buffer<uint32_t>(Binding::order);
  const uint32_t* offsets = dispatch.buffer<uint32_t>(Binding::offsets);
  uint32_t* sizes = dispatch.buffer<uint32_t>(Binding::sizes);
  const uint32_t splits = dispatch.grid[2];
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t k = group.x, subspace = group.y, split = group.z;
    const size_t cluster = size_t{subspace} * params.clusters + k;
    const uint32_t cluster_begin = cluster == 0 ? 0 : offsets[cluster * params.blocks - 1];
    const uint32_t size = offsets[(cluster + 1) * params.blocks - 1] - cluster_begin;
    const uint32_t part = size / splits, longer = size % splits;
    const uint32_t* first = order + cluster_begin + part * split + minimum(split, longer);
    const uint32_t count = part + (split < longer ? 1 : 0);

    const uint32_t first_chunk = subspace * params.subspace_chunks;
    const float* points = dispatch.buffer<float>(Binding::points) + first_chunk * CHUNK_STRIDE;
    float* sums = dispatch.buffer<float>(Binding::sums) + size_t{split} * params.padded_clusters * params.chunks * 4 +
                  word_of(k, first_chunk, params.chunks);
    for (uint32_t c = 0; c < params.subspace_chunks; c += WIDTH) {
      const uint32_t width = minimum(WIDTH, params.subspace_chunks - c);
      Quad local[WIDTH];
      sum_points(points + c * CHUNK_STRIDE, first, count, params.chunks, width, local);
      for (uint32_t i = 0; i < width; i++) {
        float* to = sums + (c + i) * CHUNK_STRIDE;
        store(to, params.accumulate ? load<Quad>(to) + local[i] : local[i]);
      }
    }
    if (split == 0) sizes[cluster] = size + (params.accumulate ? sizes[cluster] : 0);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
