// folded[i] = exclusive or of 16 vectors of words of workgroup i / 256. A workgroup reads 4096 vectors, 64 KiB.
#include "contracts/read_bandwidth.hpp"

#include "cpu/kernel.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

typedef uint32_t Words __attribute__((vector_size(16)));

void read_bandwidth(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::read_bandwidth;
  const uint32_t count = dispatch.params<Params>().count;
  for (uint32_t w = begin; w < end; w++) {
    const size_t first = size_t{w} * 4096;
    if (first >= count) return;
    const uint32_t* source = dispatch.buffer<uint32_t>(Binding::source) + first * 4;
    uint32_t* folded = dispatch.buffer<uint32_t>(Binding::folded) + size_t{w} * 256;
    const uint32_t vectors = minimum(4096, count - static_cast<uint32_t>(first));
    Words sums[256] = {};
    for (uint32_t begin_of_pass = 0; begin_of_pass < vectors; begin_of_pass += 256) {
      const uint32_t live = minimum(256, vectors - begin_of_pass);
      for (uint32_t i = 0; i < live; i++) sums[i] ^= load<Words>(source + (begin_of_pass + i) * 4);
    }
    for (uint32_t i = 0; i < 256; i++) folded[i] = sums[i][0] ^ sums[i][1] ^ sums[i][2] ^ sums[i][3];
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
