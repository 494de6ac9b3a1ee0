// Draws the next k-means++ centroid of a subspace: a point with probability proportional to its squared distance to the
// centroids so far (Arthur and Vassilvitskii, SODA 2007). A workgroup does one subspace.
#include "contracts/seed_choose.hpp"

#include "cpu/kernels/common/packed_rows.hpp"
#include "cpu/kernels/common/random.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

// The first index whose running sum exceeds `target`, which is lessened by what came before it; `count` if none does.
uint32_t find_running(const float* values, uint32_t count, float& target) {
  float sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (sum + values[i] > target) {
      target -= sum;
      return i;
    }
    sum += values[i];
  }
  return count;
}

uint32_t last_positive(const float* values, uint32_t count) {
  while (count > 1 && !(values[count - 1] > 0)) count--;
  return count - 1;
}

uint32_t choose_row(const float* nearest, uint32_t rows, const float* sums, uint32_t blocks, float u) {
  float total = 0;
  for (uint32_t b = 0; b < blocks; b++) total += sums[b];
  float target = u * total;
  uint32_t block = find_running(sums, blocks, target);
  if (block == blocks) return last_positive(nearest, rows);
  const uint32_t first = block * 1024, count = minimum(1024, rows - first);
  const uint32_t row = find_running(nearest + first, count, target);
  return first + (row < count ? row : last_positive(nearest + first, count));
}

}  // namespace

void seed_choose(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::seed_choose;
  const Params params = dispatch.params<Params>();
  const float* points = dispatch.buffer<float>(Binding::points);
  float* centroids = dispatch.buffer<float>(Binding::centroids);
  for (uint32_t w = begin; w < end; w++) {
    const uint32_t subspace = workgroup_at(dispatch, w).y;
    uint32_t& step = dispatch.buffer<uint32_t>(Binding::steps)[subspace];
    const float* nearest = dispatch.buffer<float>(Binding::nearest) + size_t{subspace} * params.rows;
    const float* sums = dispatch.buffer<float>(Binding::sums) + size_t{subspace} * params.blocks;
    bool any = false;
    for (uint32_t b = 0; b < params.blocks && step != 0; b++) any |= sums[b] > 0;
    const uint32_t row =
        any ? choose_row(nearest, params.rows, sums, params.blocks, uniform_float(params.seed, subspace, step))
            : random_word(params.seed, subspace, step) % params.rows;
    const uint32_t first_chunk = subspace * params.subspace_chunks;
    for (uint32_t c = first_chunk; c < first_chunk + params.subspace_chunks; c++) {
      std::memcpy(centroids + word_of(step, c, params.chunks), points + word_of(row, c, params.chunks), 16);
    }
    step++;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
