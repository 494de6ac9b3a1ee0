// Narrow floats in integer arithmetic: rounded to even, whatever a device does with subnormal numbers.
inline uint half_bits(float value) {
  const uint bits = as_type<uint>(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00;
  if (magnitude >= 0x477FF000) return sign | 0x7C00;
  // Subnormal halves: adding 0.5 leaves their bits at the end of the sum, rounded.
  if (magnitude < 0x38800000) return sign | (as_type<uint>(as_type<float>(magnitude) + 0.5) - 0x3F000000);
  return sign | (magnitude + 0xFFF + (magnitude >> 13 & 1) - 0x38000000) >> 13;
}

inline uint bfloat_bits(float value) {
  const uint bits = as_type<uint>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return bits >> 16 | 0x40;
  return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

inline float half_value(uint bits) { return as_type<half>(ushort(bits)); }
