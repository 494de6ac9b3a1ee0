// Quantised blocks of a GGUF file become tiles of 32 rows, bit for bit the same numbers. A workgroup does 32 rows x 256
// weights.
#include "contracts/repack_blocks.hpp"

#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::repack_blocks::Params;

enum Format : uint32_t { Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K };
constexpr uint32_t BYTES[] = {34, 18, 20, 22, 24, 144, 176, 210};

bool is_int4(uint32_t format) { return format == Q4_0 || format == Q4_1 || format == Q4_K; }
bool is_symmetric(uint32_t format) { return format == Q8_0 || format == Q4_0 || format == Q5_0; }

// The 32 quants of a block of an int8 format, minus the format's middle.
void unpack_quants(uint32_t format, const uint8_t* from, uint32_t j, uint8_t* to) {
  if (format == Q8_0) std::memcpy(to, from + 2, 32);
  if (format == Q5_0 || format == Q5_1) {
    const uint8_t* nibbles = from + (format == Q5_0 ? 6 : 8);
    const uint32_t high = load<uint32_t>(from + (format == Q5_0 ? 2 : 4));
    for (uint32_t i = 0; i < 32; i++) {
      const uint32_t quant = (nibbles[i % 16] >> i / 16 * 4 & 15) | (high >> i & 1) << 4;
      to[i] = static_cast<uint8_t>(format == Q5_0 ? quant - 16 : quant);
    }
  }
  if (format == Q5_K) {
    const uint8_t* nibbles = from + 48 + j / 2 * 32;
    for (uint32_t i = 0; i < 32; i++)
      to[i] = static_cast<uint8_t>((nibbles[i] >> j % 2 * 4 & 15) | (from[16 + i] >> j & 1) << 4);
  }
  if (format == Q6_K) {
    const uint32_t side = j / 4, k = j % 4;
    const uint8_t *low = from + side * 64 + k % 2 * 32, *high = from + 128 + side * 32;
    for (uint32_t i = 0; i < 32; i++)
      to[i] = static_cast<uint8_t>(((low[i] >> k / 2 * 4 & 15) | (high[i] >> 2 * k & 3) << 4) - 32);
  }
}

// The 16 bytes of an int4 block.
void unpack_nibbles(uint32_t format, const uint8_t* from, uint32_t j, uint8_t* to) {
  if (format != Q4_K) {
    std::memcpy(to, from + (format == Q4_0 ? 2 : 4), 16);
    return;
  }
  const uint8_t* nibbles = from + 16 + j / 2 * 32;
  const uint32_t shift = j % 2 * 4;
  for (uint32_t i = 0; i < 16; i++)
    to[i] = static_cast<uint8_t>((nibbles[i] >> shift & 15) | (nibbles[i + 16] >> shift & 15) << 4);
}

// Six bits each: the factors of scale and minimum of sub-blocks [j, j + 4), j 0 or 4, as pairs of bytes.
void unpack_factors(const uint8_t* from, uint32_t j, uint8_t* to) {
  for (uint32_t i = 0; i < 4; i++) {
    const uint8_t low = from[i], middle = from[i + 4], high = from[i + 8];
    to[2 * i] = static_cast<uint8_t>(j == 0 ? low & 63 : (high & 15) | low >> 6 << 4);
    to[2 * i + 1] = static_cast<uint8_t>(j == 0 ? middle & 63 : high >> 4 | middle >> 6 << 4);
  }
}

struct Rows {
  const uint8_t* source;
  uint32_t format, blocks;

  const uint8_t* at(uint32_t row, uint32_t block) const {
    const bool super = format >= Q4_K;
    const size_t across = super ? blocks / 8 : blocks;
    return source + (row * across + (super ? block / 8 : block)) * BYTES[format];
  }

  // `to`: 8 (symmetric) or 16 bytes.
  void put_scales(uint32_t row, uint32_t quad, uint8_t* to) const {
    if (format >= Q4_K) {
      const uint8_t* from = at(row, quad * 4);
      const uint32_t j = quad % 2 * 4;
      std::memset(to, 0, 16);
      if (format == Q6_K) {
        std::memcpy(to, from + 192 + 2 * j, 8);
        std::memcpy(to + 8, from + 208, 2);
      } else {
        unpack_factors(from + 4, j, to);
        std::memcpy(to + 8, from, 4);
      }
      return;
    }
    const uint32_t bytes = is_symmetric(format) ? 2 : 4;
    std::memset(to, 0, bytes * 4);
    for (uint32_t b = 0; b < 4 && quad * 4 + b < blocks; b++) std::memcpy(to + b * bytes, at(row, quad * 4 + b), bytes);
  }
};

}  // namespace

void repack_blocks(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::repack_blocks;
  const Params& params = dispatch.params<Params>();
  const uint32_t format = dispatch.constants<Constants>().format, blocks = params.columns / 32;
  const Rows rows = {dispatch.buffer<uint8_t>(Binding::source) + params.source_offset, format, blocks};
  const uint32_t chunks = is_int4(format) ? 1 : 2, scale_bytes = is_symmetric(format) ? 8 : 16;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const size_t tile = params.first_tile + size_t{group.y} * params.tile_step;
    for (uint32_t r = 0; r < 32; r++) {
      const uint32_t row = group.y * 32 + r;
      for (uint32_t block = group.x * 8; block < minimum(blocks, group.x * 8 + 8); block++) {
        uint8_t quants[32] = {};
        if (row < params.rows && chunks == 1) unpack_nibbles(format, rows.at(row, block), block % 8, quants);
        if (row < params.rows && chunks == 2) unpack_quants(format, rows.at(row, block), block % 8, quants);
        uint8_t* to = dispatch.buffer<uint8_t>(Binding::quants) + ((tile * blocks + block) * chunks * 32 + r) * 16;
        for (uint32_t chunk = 0; chunk < chunks; chunk++) std::memcpy(to + chunk * 512, quants + chunk * 16, 16);
      }
      for (uint32_t quad = group.x * 2; quad < minimum((blocks + 3) / 4, group.x * 2 + 2); quad++) {
        uint8_t scales[16] = {};
        if (row < params.rows) rows.put_scales(row, quad, scales);
        uint8_t* to = dispatch.buffer<uint8_t>(Binding::scales);
        std::memcpy(to + ((tile * ((blocks + 3) / 4) + quad) * 32 + r) * scale_bytes, scales, scale_bytes);
      }
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
