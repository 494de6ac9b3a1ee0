// Half a block of weights, 16 of one row, loaded and then decoded to halves.
#include "common/byte_halves.h"
#include "common/unroll.h"
#include "common/weight_values.h"

constant uint HALF_CHUNKS = kind == F32 ? 4 : kind == F16 || kind == BF16 ? 2 : 1;

struct HalfBlock {
  uint4 words[4];  // as many as the kind takes
  float2 scale;

  void load(Weights weights, uint row, uint block, uint half_block) thread {
    const uint tile = row / 32, lane = row % 32;
    const uint first = block * BLOCK_CHUNKS + (kind == INT4 ? 0 : half_block * HALF_CHUNKS);
    device const uint4* chunks = weights.quants + chunk_at(tile, weights.blocks, first, lane);
    UNROLL for (uint i = 0; i < 4; i++) {
      if (i < HALF_CHUNKS) words[i] = chunks[i * 32];
    }
    if (kind != INT8 && kind != INT4) return;
    scale = scale_of(load_scale(weights.scales, tile, weights.blocks, block, lane), half_block);
    // Quants come out centred.
    if (scaling == SYMMETRIC) scale.y = 0;
    if (kind == INT4) words[0] = words[0] >> 4 * half_block & 0x0F0F0F0F;
  }

  // Weights 4 i to 4 i + 3.
  half4 four(uint i) const thread {
    if (kind == F32) return half4(as_type<float4>(words[i]));
    const uint2 narrow = i % 2 == 0 ? words[i / 2].xy : words[i / 2].zw;
    if (kind == F16) return as_type<half4>(narrow);
    if (kind == BF16) return half4(narrow_values(narrow));
    const half4 bytes = kind == INT8 ? signed_bytes(words[0][i], 1.0h) : masked_bytes(words[0][i], 0x000F000F);
    const half4 quants = kind == INT8 ? bytes : bytes - half(scaling == SYMMETRIC ? 1032 : 1024);
    return fma(quants.xzyw, half4(scale.x), half4(scale.y));
  }
};
