// results[i] = sum of 8 chains x -> x * factor + addend, from start[i] + chain, after `rounds` steps.
#include "contracts/multiply_add.hpp"

#include "cpu/kernel.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

void multiply_add(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::multiply_add;
  const Params params = dispatch.params<Params>();
  const float* start = dispatch.buffer<float>(Binding::start);
  float* results = dispatch.buffer<float>(Binding::results);
  const Floats factor = broadcast(params.factor), addend = broadcast(params.addend);
  for (uint32_t w = begin; w < end; w++) {
    for (uint32_t first = w * 256; first < params.count && first < (w + 1) * 256; first += LANES) {
      float own[LANES] = {};
      const uint32_t live = minimum(LANES, params.count - first);
      std::memcpy(own, start + first, live * sizeof(float));
      Floats chain[8];
      for (int c = 0; c < 8; c++) chain[c] = load<Floats>(own) + broadcast(static_cast<float>(c));
      for (uint32_t round = 0; round < params.rounds; round++) {
#pragma GCC unroll 8
        for (int c = 0; c < 8; c++) chain[c] = chain[c] * factor + addend;
      }
      for (int c = 0; c < 4; c++) chain[c] += chain[c + 4];
      store(own, (chain[0] + chain[1]) + (chain[2] + chain[3]));
      std::memcpy(results + first, own, live * sizeof(float));
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
