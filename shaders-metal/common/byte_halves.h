// Bytes become halves by way of their bits: conversions take longer. 0x6400 with a byte in it is 1024 + byte.

// Bytes 0, 2, 1 and 3 of a word, as far as the mask lets them through, each plus 1024.
inline half4 masked_bytes(uint word, uint mask) { return as_type<half4>((uint2(word, word >> 8) & mask) | 0x64006400); }

// Signed bytes 0, 2, 1 and 3, times factor.
inline half4 signed_bytes(uint word, half factor) {
  return fma(masked_bytes(word ^ 0x80808080, 0x00FF00FF), half4(factor), half4(-1152 * factor));
}
