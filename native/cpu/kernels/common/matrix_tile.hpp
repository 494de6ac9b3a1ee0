// A tile of a matrix product whose sides any kernel may fill as it likes: numbers, transposed numbers, int8 codes.
#pragma once
#include "cpu/kernels/common/distance_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

// Chunks of the summed dimension that are copied at a time, so that both copies stay in the nearer caches.
constexpr uint32_t SLICE_CHUNKS = 64;

// Copies of a slice of both sides, and the sums: [TILE rows][stride].
struct TileMemory {
  float *rows, *panel, *sums;
  uint32_t stride;
};

inline TileMemory tile_memory(uint32_t stride) {
  const size_t rows = size_t{TILE} * SLICE_CHUNKS * 4, panel = panel_floats(SLICE_CHUNKS);
  float* memory = scratch<float>(rows + panel + size_t{TILE} * stride);
  return {memory, memory + rows, memory + rows + panel, stride};
}

struct TileShape {
  uint32_t rows, columns, chunks;
};

inline void add_slice(const TileMemory& memory, const TileShape& shape, uint32_t count, uint32_t column, bool fresh) {
  for (uint32_t row = 0; row < shape.rows; row += BLOCK) {
    float* to = memory.sums + size_t{row} * memory.stride + column;
    Floats sums[BLOCK][2];
    for (int r = 0; r < BLOCK; r++) {
      for (int v = 0; v < 2; v++) sums[r][v] = fresh ? Floats{} : load<Floats>(to + r * memory.stride + v * LANES);
    }
    add_block<Measure::product>(memory.panel, memory.rows + word_of(row, 0, count), count, sums);
    for (int r = 0; r < BLOCK; r++) {
      for (int v = 0; v < 2; v++) store(to + r * memory.stride + v * LANES, sums[r][v]);
    }
  }
}

// memory.sums = rows x columns. fill_row(row, first chunk, count, to) writes a row's chunks CHUNK_STRIDE apart,
// fill_panel(first column, first chunk, count, panel) a transposed panel; both write zeros where there is nothing.
template <class FillRow, class FillPanel>
inline void multiply_slices(const TileMemory& memory, const TileShape& shape, FillRow&& fill_row,
                            FillPanel&& fill_panel) {
  for (uint32_t first = 0; first < shape.chunks; first += SLICE_CHUNKS) {
    const uint32_t count = minimum(SLICE_CHUNKS, shape.chunks - first);
    const uint32_t padded = (shape.rows + BLOCK - 1) / BLOCK * BLOCK;
    for (uint32_t row = 0; row < padded; row++) fill_row(row, first, count, memory.rows + word_of(row, 0, count));
    for (uint32_t column = 0; column < shape.columns; column += PANEL) {
      fill_panel(column, first, count, memory.panel);
      add_slice(memory, shape, count, column, first == 0);
    }
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
