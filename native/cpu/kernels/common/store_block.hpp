// Writes blocks of 32 numbers of an activation in the form `form`: 0 floats, 1 halves, 2 signed bytes with a scale.
#pragma once
#include "cpu/kernels/common/halves.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

inline float squares_of(const float* numbers) {
  Quad sums{};
  for (int i = 0; i < 32; i += 4) sums += load<Quad>(numbers + i) * load<Quad>(numbers + i);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

struct StoredBlocks {
  uint32_t form;
  uint8_t* values;
  float* blocks;

  // Block `block` gets 32 numbers; `squares` is the sum of squares before their norm's weights.
  void store(size_t block, const float* numbers, float squares) const {
    float* about = blocks + block * 4;
    about[0] = 1, about[1] = 0, about[2] = squares, about[3] = 0;
    if (form == 0) std::memcpy(values + block * 128, numbers, 128);
    if (form == 1) {
      for (int i = 0; i < 32; i++) store_half(values + block * 64 + i * 2, numbers[i]);
    }
    if (form == 2) store_bytes(reinterpret_cast<int8_t*>(values) + block * 32, numbers, about);
  }

  // `count` numbers from number `first` on. Where they are not `whole` blocks, other work has the rest of a block: then
  // blocks get no squares, and the form is not bytes.
  template <class NumberAt>
  void store_numbers(size_t first, uint32_t count, bool whole, const NumberAt& number_at) const {
    float block[32];
    for (uint32_t i = 0; i < count; i++) {
      const float number = number_at(i);
      const size_t at = first + i;
      if (whole) {
        block[i % 32] = number;
        if (i % 32 == 31) store(at / 32, block, squares_of(block));
        continue;
      }
      if (form == 0)
        std::memcpy(values + at * 4, &number, 4);
      else
        store_half(values + at * 2, number);
      if (at % 32 == 0) WAVETILE_ISA::store(blocks + at / 32 * 4, Quad{1, 0, 0, 0});
    }
  }

 private:
  static void store_bytes(int8_t* quants, const float* numbers, float* about) {
    typedef int8_t Narrow __attribute__((vector_size(LANES)));
    Floats sizes{};
    for (int i = 0; i < 32; i += LANES) {
      const Floats size = (Floats)((Ints)load<Floats>(numbers + i) & 0x7FFFFFFF);
      sizes = sizes < size ? size : sizes;
    }
    float most = 0;
    for (int i = 0; i < LANES; i++) most = sizes[i] > most ? sizes[i] : most;
    const bool zero = most < 1e-35f;  // below that the inverse would overflow
    const float inverse = zero ? 0 : 127 / most, scale = zero ? 0 : most / 127;
    Ints sums{};
    for (int i = 0; i < 32; i += LANES) {
      // Adding and taking away 1.5 * 2^23 rounds to even.
      const Floats rounded = (load<Floats>(numbers + i) * inverse + 12582912.0f) - 12582912.0f;
      const Ints own = __builtin_convertvector(rounded, Ints);
      sums += own;
      const Narrow narrow = __builtin_convertvector(own, Narrow);
      std::memcpy(quants + i, &narrow, sizeof narrow);
    }
    int32_t sum = 0;
    for (int i = 0; i < LANES; i++) sum += sums[i];
    about[0] = scale, about[1] = scale * static_cast<float>(sum);
  }
};

}  // namespace wavetile::cpu::WAVETILE_ISA
