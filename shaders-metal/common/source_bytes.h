// Little-endian bytes of a file at any place.
inline uint byte_at(device const uint* source, uint at) { return source[at / 4] >> 8 * (at % 4) & 255; }

inline uint half_at(device const uint* source, uint at) { return byte_at(source, at) | byte_at(source, at + 1) << 8; }

// Reads no word that holds none of its bytes.
inline uint word_at(device const uint* source, uint at) {
  const uint shift = 8 * (at % 4), low = source[at / 4] >> shift;
  return shift == 0 ? low : low | source[at / 4 + 1] << (32 - shift);
}
