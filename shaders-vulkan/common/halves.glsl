// Narrow floats in integer arithmetic: the same rounding, to even, on every device.
uint half_bits(float value) {
  const uint bits = floatBitsToUint(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return sign | 0x7E00u;
  if (magnitude >= 0x477FF000u) return sign | 0x7C00u;
  // Subnormal halves: adding 0.5 leaves their bits at the end of the sum, rounded.
  if (magnitude < 0x38800000u) return sign | (floatBitsToUint(uintBitsToFloat(magnitude) + 0.5) - 0x3F000000u);
  return sign | (magnitude + 0xFFFu + (magnitude >> 13 & 1u) - 0x38000000u) >> 13;
}

uint bfloat_bits(float value) {
  const uint bits = floatBitsToUint(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return bits >> 16 | 0x40u;
  return bits + 0x7FFFu + (bits >> 16 & 1u) >> 16;
}

float half_value(uint bits) { return unpackHalf2x16(bits).x; }
