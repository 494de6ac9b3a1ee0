// Rows of plain numbers become tiles of 32 rows; rounding is to even. A workgroup does 32 rows x 8 chunks of 16 bytes.
#include "contracts/repack_values.hpp"

#include "cpu/kernels/common/source_values.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

// `count` numbers at `from` become a chunk; what is left of it is zeros.
void put_chunk(uint32_t format, uint32_t kind, const uint8_t* from, uint32_t count, uint8_t* to) {
  if (kind == format && count * value_bytes(format) == 16) {
    std::memcpy(to, from, 16);
    return;
  }
  uint8_t bytes[16] = {};
  if (kind == format) {
    std::memcpy(bytes, from, count * value_bytes(format));
  } else {
    float values[8];
    read_values(format, from, count, values);
    for (uint32_t i = 0; i < count; i++) {
      if (kind == 0) std::memcpy(bytes + i * 4, values + i, 4);
      const uint16_t narrow = kind == 1 ? float_to_half(values[i]) : float_to_bfloat(values[i]);
      if (kind != 0) std::memcpy(bytes + i * 2, &narrow, 2);
    }
  }
  std::memcpy(to, bytes, 16);
}

}  // namespace

void repack_values(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::repack_values;
  const Params& params = dispatch.params<Params>();
  const auto [format, kind] = dispatch.constants<Constants>();
  const uint32_t size = kind == 0 ? 4 : 8, chunks = (params.columns + 31) / 32 * (32 / size);
  const uint8_t* source = dispatch.buffer<uint8_t>(Binding::source) + params.source_offset;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const size_t tile = params.first_tile + size_t{group.y} * params.tile_step;
    for (uint32_t chunk = group.x * 8; chunk < minimum(chunks, group.x * 8 + 8); chunk++) {
      const uint32_t column = chunk * size;
      uint8_t* to = dispatch.buffer<uint8_t>(Binding::quants) + (tile * chunks + chunk) * 512;
      for (uint32_t row = group.y * 32; row < group.y * 32 + 32; row++, to += 16) {
        const bool inside = row < params.rows && column < params.columns;
        const size_t at = inside ? (size_t{row} * params.columns + column) * value_bytes(format) : 0;
        put_chunk(format, kind, source + at, inside ? minimum(size, params.columns - column) : 0, to);
      }
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
