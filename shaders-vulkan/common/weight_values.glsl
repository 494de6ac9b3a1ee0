// Weights as numbers, in float32. Goes after weights.glsl. A row is one of the whole matrix, a chunk four weights.
vec4 unpack_bytes(int word) {
  return vec4(bitfieldExtract(word, 0, 8), bitfieldExtract(word, 8, 8), bitfieldExtract(word, 16, 8), word >> 24);
}

vec4 weights_at(uint row, uint chunk, uint blocks) {
  const uint tile = row / 32, lane = row % 32, block = chunk / 8, part = chunk % 8;
  if (kind == F32) return uintBitsToFloat(quants[chunk_at(tile, blocks, block, part, lane)]);
  if (kind == F16 || kind == BF16) {
    const uvec4 four = quants[chunk_at(tile, blocks, block, part / 2, lane)];
    const uvec2 words = part % 2 == 0 ? four.xy : four.zw;
    if (kind == F16) return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
    return uintBitsToFloat(uvec4(words.x << 16, words.x & 0xFFFF0000u, words.y << 16, words.y & 0xFFFF0000u));
  }
  const uint word = quants[chunk_at(tile, blocks, block, kind == INT8 ? part / 4 : 0, lane)][part % 4];
  const vec4 quant = unpack_bytes(int(kind == INT8 ? word : word >> part / 4 * 4 & 0x0F0F0F0Fu));
  const vec2 scale = scale_of(quad_scales(tile, (blocks + 3) / 4, block / 4, lane), block % 4, part / 4);
  return scale.x * quant + scale.y;
}
