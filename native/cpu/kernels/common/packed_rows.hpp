// Packed rows: groups of 32 rows; chunk c (four floats or one 16-byte word group) of all 32 rows lies side by side.
#pragma once
#include "cpu/kernel.hpp"
#include "cpu/kernels/common/vectors.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

constexpr uint32_t GROUP = 32;              // rows of a group
constexpr uint32_t TILE = 128;              // rows that a tiled workgroup does
constexpr size_t CHUNK_STRIDE = GROUP * 4;  // 4-byte words from a row's chunk to its next

// Where row `row`'s chunk `chunk` begins, in 4-byte words.
inline size_t word_of(uint32_t row, uint32_t chunk, uint32_t chunks) {
  return ((size_t{row / GROUP} * chunks + chunk) * GROUP + row % GROUP) * 4;
}

// The elements [first, last) of an elementwise kernel that workgroups [begin, end) of 256 invocations do.
struct Span {
  size_t first, last;
};
inline Span invocations(uint32_t begin, uint32_t end, size_t count) {
  const size_t first = size_t{begin} * 256, last = size_t{end} * 256;
  return {first < count ? first : count, last < count ? last : count};
}

// A walk over elements of packed rows: visit(element, row, chunk).
template <class Visit>
inline void visit_elements(Span span, uint32_t chunks, Visit&& visit) {
  uint32_t chunk = static_cast<uint32_t>(span.first / GROUP % chunks);
  uint32_t group_row = static_cast<uint32_t>(span.first / GROUP / chunks * GROUP);
  for (size_t i = span.first; i < span.last;) {
    for (; i < span.last; i++) {
      visit(i, group_row + static_cast<uint32_t>(i % GROUP), chunk);
      if (i % GROUP == GROUP - 1) break;
    }
    i++;
    if (++chunk == chunks) chunk = 0, group_row += GROUP;
  }
}

// A walk over row-major rows of `dimensions` words, in pieces that lie within one chunk of the packed layout.
struct Piece {
  uint32_t row, subspace, within, count;  // `within` the sub-vector
};
template <class Visit>
inline void visit_pieces(Span span, uint32_t dimensions, uint32_t subdimensions, Visit&& visit) {
  uint32_t row = static_cast<uint32_t>(span.first / dimensions);
  uint32_t dimension = static_cast<uint32_t>(span.first % dimensions);
  uint32_t subspace = dimension / subdimensions, within = dimension % subdimensions;
  for (size_t i = span.first; i < span.last;) {
    uint32_t count = minimum(minimum(4 - within % 4, subdimensions - within), dimensions - dimension);
    if (span.last - i < count) count = static_cast<uint32_t>(span.last - i);
    visit(i, Piece{row, subspace, within, count});
    i += count, dimension += count, within += count;
    if (within == subdimensions) within = 0, subspace++;
    if (dimension == dimensions) dimension = within = subspace = 0, row++;
  }
}

inline void copy_words(void* to, const void* from, uint32_t count) {
  if (count == 4) {
    std::memcpy(to, from, 16);
  } else {
    for (uint32_t i = 0; i < count; i++)
      std::memcpy(static_cast<char*>(to) + i * 4, static_cast<const char*>(from) + i * 4, 4);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
