// LANES (a constant, a power of two up to 32) neighbouring threads share a head, eight of its numbers each.
constant uint PARTS = head_size / 8;
constant uint LANES = PARTS <= 1 ? 1 : PARTS <= 2 ? 2 : PARTS <= 4 ? 4 : PARTS <= 8 ? 8 : PARTS <= 16 ? 16 : 32;

// For a whole SIMD-group at once: the sums of what the thread's LANES threads bring.
inline float4 lanes_sums(float4 four) {
  for (uint distance = LANES / 2; distance > 0; distance >>= 1) four += simd_shuffle_xor(four, ushort(distance));
  return four;
}

struct Eight {
  float4 low, high;
};

inline Eight halves_of(uint4 words) { return {float4(as_type<half4>(words.xy)), float4(as_type<half4>(words.zw))}; }

inline uint4 halves_from(Eight x) { return uint4(as_type<uint2>(half4(x.low)), as_type<uint2>(half4(x.high))); }
