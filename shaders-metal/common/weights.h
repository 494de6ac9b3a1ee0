// Weights in tiles of 32 rows. Along a row 32 weights are a block, of one or more 16-byte chunks; a chunk of the tile's
// 32 rows lies side by side, so that lanes with neighbouring rows read neighbouring chunks. The scales of four blocks
// of a row (a quad) lie together, those of the tile's 32 rows side by side. The constants kind and scaling are needed.
//
// int4: byte i of a chunk holds weight i in its low and weight i + 16 in its high half, 0 to 15. int8: signed.
enum Kind : uint { F32, F16, BF16, INT8, INT4 };
enum Scaling : uint { UNSCALED, SYMMETRIC, AFFINE, SUPER32, SUPER16 };

constant uint BLOCK_CHUNKS = kind == INT4 ? 1 : kind == INT8 ? 2 : kind == F32 ? 8 : 4;

// Of chunk `chunk` of row `row` of tile `tile`; the tile's next row is at + 1.
inline uint chunk_at(uint tile, uint blocks, uint chunk, uint row) {
  return (tile * blocks * BLOCK_CHUNKS + chunk) * 32 + row;
}

// What a block is scaled by, as it lies. symmetric: one f16. affine: a (scale, minimum) pair of f16. super32: (int8,
// uint8) factors of such a pair, which lies behind the quad's factors. super16: an int8 factor of an f16 for each half.
struct BlockScale {
  half2 pair;
  uchar2 factors;
};

inline BlockScale load_scale(device const half* scales, uint tile, uint blocks, uint block, uint row) {
  const uint quad = (tile * ((blocks + 3) / 4) + block / 4) * 32 + row, b = block % 4;
  if (scaling == UNSCALED) return {half2(1, 0), uchar2(0)};
  if (scaling == SYMMETRIC) return {half2(scales[quad * 4 + b], 0), uchar2(0)};
  device const half2* pairs = (device const half2*)scales;
  if (scaling == AFFINE) return {pairs[quad * 4 + b], uchar2(0)};
  return {pairs[quad * 4 + 2], ((device const uchar2*)scales)[quad * 8 + b]};
}

// (scale, minimum) of half `half_block` (16 weights) of a block: weight = scale * quant + minimum.
inline float2 scale_of(BlockScale block, uint half_block) {
  const float2 pair = float2(block.pair);
  if (scaling == SYMMETRIC) return float2(pair.x, kind == INT4 ? -8 * pair.x : 0);
  if (scaling == SUPER32) return pair * float2(char(block.factors.x), -float(block.factors.y));
  if (scaling == SUPER16) return float2(pair.x * float(char(half_block == 0 ? block.factors.x : block.factors.y)), 0);
  return pair;
}
