// Weights in tiles of 32 rows. Along a row 32 weights are a block, of one or more 16-byte chunks; a chunk of the tile's 32
// rows lies side by side, so that neighbouring lanes, one for each row, read neighbouring chunks. The scales of four blocks
// of a row (a quad) lie together, those of the tile's 32 rows side by side.
// The includer has buffers quants_ { uvec4 quants[]; } and scales_ { uvec2 scales[]; } and the constants kind and scaling.
//
// int4: byte i of a chunk holds weight i in its low and weight i + 16 in its high half, 0 to 15. int8: signed.
const uint F32 = 0, F16 = 1, BF16 = 2, INT8 = 3, INT4 = 4;                       // kind
const uint UNSCALED = 0, SYMMETRIC = 1, AFFINE = 2, SUPER32 = 3, SUPER16 = 4;    // scaling

uint chunks_of_block() { return kind == INT4 ? 1 : kind == INT8 ? 2 : kind == F32 ? 8 : 4; }

// Of chunk `chunk` of block `block` of row `row` of tile `tile`; the tile's next row is at + 1.
uint chunk_at(uint tile, uint blocks, uint block, uint chunk, uint row) {
  return ((tile * blocks + block) * chunks_of_block() + chunk) * 32 + row;
}

struct QuadScales { uvec2 low, high; };

// symmetric: four f16. affine: four (scale, minimum) pairs of f16. super32: four (int8, uint8) factors of the f16 pair in
// high.x. super16: eight int8 factors, two for each block, of the f16 in high.x.
QuadScales quad_scales(uint tile, uint quads, uint quad, uint row) {
  const uint at = (tile * quads + quad) * 32 + row;
  if (scaling == SYMMETRIC) return QuadScales(scales[at], uvec2(0));
  return QuadScales(scales[2 * at], scales[2 * at + 1]);
}

// (scale, minimum) of half `half` (16 weights) of the quad's block `b`: weight = scale * quant + minimum.
vec2 scale_of(QuadScales quad, uint b, uint half_block) {
  if (scaling == SYMMETRIC) {
    const float scale = unpackHalf2x16(quad.low[b >> 1])[b & 1];
    return vec2(scale, kind == INT4 ? -8 * scale : 0);
  }
  if (scaling == AFFINE) return unpackHalf2x16(b < 2 ? quad.low[b & 1] : quad.high[b & 1]);
  const vec2 super = unpackHalf2x16(quad.high.x);
  const uint pair = quad.low[b >> 1] >> (16 * (b & 1));
  if (scaling == SUPER16) return vec2(super.x * float(bitfieldExtract(int(pair), int(8 * half_block), 8)), 0);
  return vec2(super.x * float(bitfieldExtract(int(pair), 0, 8)), -super.y * float(bitfieldExtract(pair, 8, 8)));
}
