// Little-endian bytes of a file at any place. The includer has the buffer source_ { uint source[]; }.
uint byte_at(uint at) { return source[at / 4] >> 8 * (at % 4) & 255u; }

uint half_at(uint at) { return byte_at(at) | byte_at(at + 1) << 8; }

// Reads no word that holds none of its bytes.
uint word_at(uint at) {
  const uint shift = 8 * (at % 4), low = source[at / 4] >> shift;
  return shift == 0 ? low : low | source[at / 4 + 1] << (32 - shift);
}
