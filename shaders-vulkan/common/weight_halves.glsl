// Half a block of weights, 16 of one row, loaded and then decoded to halves. Goes after weights.glsl.
struct WeightWords {
  uvec4 words[4];  // as many as the kind takes
  QuadScales scales;
};

uint words_of_half() { return kind == F32 ? 4 : kind == F16 || kind == BF16 ? 2 : 1; }

WeightWords load_weights(uint row, uint block, uint half_block, uint blocks) {
  const uint tile = row / 32, lane = row % 32;
  WeightWords loaded;
  const uint first = kind == INT4 ? 0 : half_block * words_of_half();
  [[unroll]] for (uint i = 0; i < words_of_half(); i++)
    loaded.words[i] = quants[chunk_at(tile, blocks, block, first + i, lane)];
  loaded.scales = QuadScales(uvec2(0), uvec2(0));
  if (scaling != UNSCALED) loaded.scales = quad_scales(tile, (blocks + 3) / 4, block / 4, lane);
  return loaded;
}

// Four bytes 0 to 255 as halves, less `offset`, times scale.x plus scale.y: 0x6400 with a byte in it is 1024 + byte.
uvec2 scaled_bytes(uint word, float16_t offset, f16vec2 scale) {
  const f16vec2 even = unpackFloat2x16(word & 0x00FF00FFu | 0x64006400u) - f16vec2(offset);
  const f16vec2 odd = unpackFloat2x16(word >> 8 & 0x00FF00FFu | 0x64006400u) - f16vec2(offset);
  const f16vec2 a = fma(even, scale.xx, scale.yy), b = fma(odd, scale.xx, scale.yy);
  return uvec2(packFloat2x16(f16vec2(a.x, b.x)), packFloat2x16(f16vec2(a.y, b.y)));
}

uvec2 halves_of_four(uvec4 words) {
  const vec4 numbers = uintBitsToFloat(words);
  return uvec2(packHalf2x16(numbers.xy), packHalf2x16(numbers.zw));
}

uvec4 halves_of_bfloats(uvec4 words) {
  const uvec4 low = words << 16, high = words & 0xFFFF0000u;
  return uvec4(halves_of_four(uvec4(low.x, high.x, low.y, high.y)),
               halves_of_four(uvec4(low.z, high.z, low.w, high.w)));
}

void decode_weights(WeightWords loaded, uint block, uint half_block, out uvec4 halves[2]) {
  if (kind == F16) {
    halves = uvec4[](loaded.words[0], loaded.words[1]);
  } else if (kind == BF16) {
    halves = uvec4[](halves_of_bfloats(loaded.words[0]), halves_of_bfloats(loaded.words[1]));
  } else if (kind == F32) {
    halves[0] = uvec4(halves_of_four(loaded.words[0]), halves_of_four(loaded.words[1]));
    halves[1] = uvec4(halves_of_four(loaded.words[2]), halves_of_four(loaded.words[3]));
  } else {
    const vec2 exact = scale_of(loaded.scales, block % 4, half_block);
    const f16vec2 scale = scaling == SYMMETRIC ? f16vec2(exact.x, 0) : f16vec2(exact);
    const float16_t offset = float16_t(kind == INT8 ? 1152 : scaling == SYMMETRIC ? 1032 : 1024);
    const uvec4 bytes =
        kind == INT8 ? loaded.words[0] ^ 0x80808080u : loaded.words[0] >> 4 * half_block & 0x0F0F0F0Fu;
    halves[0] = uvec4(scaled_bytes(bytes.x, offset, scale), scaled_bytes(bytes.y, offset, scale));
    halves[1] = uvec4(scaled_bytes(bytes.z, offset, scale), scaled_bytes(bytes.w, offset, scale));
  }
}
