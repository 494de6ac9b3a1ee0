// Rows of plain numbers become tiles of 32 rows (common/weights.h). format, that of the source, and kind: 0 float32,
// 1 halves, 2 bfloat16; rounding is to even. One threadgroup: 32 rows x 8 chunks of 16 bytes; source row r goes to tile
// first_tile + r / 32 * tile_step.
#include "contracts/repack_values.h"

#include "common/source_values.h"

inline uint bits_at(device const uint* source, uint at) {
  if (kind == format) return kind == 0 ? word_at(source, at) : half_at(source, at);
  const float value = value_at(source, at);
  return kind == 0 ? as_type<uint>(value) : kind == 1 ? half_bits(value) : bfloat_bits(value);
}

[[max_total_threads_per_threadgroup(256)]] kernel void repack_values(device const uint* source [[buffer(0)]],
                                                                     device uint4* quants [[buffer(1)]],
                                                                     constant Params& params [[buffer(2)]],
                                                                     uint2 group [[threadgroup_position_in_grid]],
                                                                     uint t [[thread_index_in_threadgroup]]) {
  const uint size = kind == 0 ? 4 : 8, columns = params.columns;
  const uint chunks = (columns + 31) / 32 * (32 / size), chunk = group.x * 8 + t / 32;
  const uint row = group.y * 32 + t % 32, tile = params.first_tile + group.y * params.tile_step;
  if (chunk >= chunks) return;
  uint4 words = uint4(0);
  for (uint i = 0; i < size; i++) {
    const uint column = chunk * size + i;
    if (row >= params.rows || column >= columns) continue;
    const uint bits = bits_at(source, params.source_offset + (row * columns + column) * VALUE_BYTES);
    if (kind == 0) {
      words[i] = bits;
    } else {
      words[i / 2] |= bits << 16 * (i % 2);
    }
  }
  quants[(tile * chunks + chunk) * 32 + t % 32] = words;
}
