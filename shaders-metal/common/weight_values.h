// Weights as numbers, in float32: four of them, chunk `chunk` of row `row` of the whole matrix.
#include "common/weights.h"

// Four halves or bfloats.
inline float4 narrow_values(uint2 words) {
  if (kind == F16) return float4(as_type<half4>(words));
  return as_type<float4>(uint4(words.x << 16, words.x & 0xFFFF0000, words.y << 16, words.y & 0xFFFF0000));
}

struct Weights {
  device const uint4* quants;
  device const half* scales;
  uint blocks;  // of a row

  float4 values(uint row, uint chunk) const thread {
    const uint tile = row / 32, lane = row % 32, block = chunk / 8, part = chunk % 8;
    device const uint4* chunks = quants + chunk_at(tile, blocks, block * BLOCK_CHUNKS, lane);
    if (kind == F32) return as_type<float4>(chunks[part * 32]);
    if (kind == F16 || kind == BF16) {
      const uint4 four = chunks[part / 2 * 32];
      return narrow_values(part % 2 == 0 ? four.xy : four.zw);
    }
    const uint word = chunks[kind == INT8 ? part / 4 * 32 : 0][part % 4];
    const float4 quant =
        kind == INT8 ? float4(as_type<char4>(word)) : float4(as_type<uchar4>(word >> part / 4 * 4 & 0x0F0F0F0F));
    const float2 scale = scale_of(load_scale(scales, tile, blocks, block, lane), part / 4);
    return scale.x * quant + scale.y;
  }
};
