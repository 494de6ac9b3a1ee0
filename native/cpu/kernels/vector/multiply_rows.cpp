// products[a, b] = scale * left row a . right row b, all row-major; check: the first left (1) or right (2) row with too
// large a product. A workgroup does side x side products.
#include "contracts/multiply_rows.hpp"

#include "cpu/kernels/common/distance_tile.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::multiply_rows::Params;

constexpr float LIMIT = 0x1p55f;  // its square can be summed 65536 times

// panel[dimension * PANEL + lane] of PANEL row-major rows from `first` on; rows past the last are zero.
void pack_rows_panel(const float* rows, uint32_t first, const Params& params, float* panel) {
  for (uint32_t lane = 0; lane < PANEL; lane += 4) {
    for (uint32_t chunk = 0; chunk < params.chunks; chunk++) {
      Quad quads[4];
      for (uint32_t i = 0; i < 4; i++) {
        const uint32_t row = first + lane + i;
        quads[i] = row < params.columns ? load<Quad>(rows + (size_t{row} * params.chunks + chunk) * 4) : Quad{};
      }
      transpose(quads[0], quads[1], quads[2], quads[3]);
      for (uint32_t i = 0; i < 4; i++) store(panel + (size_t{chunk} * 4 + i) * PANEL + lane, quads[i]);
    }
  }
}

inline void multiply_block(const float* const (&rows)[BLOCK], const float* panel, uint32_t dimensions,
                           Floats (&sums)[BLOCK][2]) {
  for (uint32_t d = 0; d < dimensions; d++, panel += PANEL) {
    const Floats low = load<Floats>(panel), high = load<Floats>(panel + LANES);
#pragma GCC unroll 8
    for (int r = 0; r < BLOCK; r++) {
      const Floats value = broadcast(rows[r][d]);
      sums[r][0] += value * low;
      sums[r][1] += value * high;
    }
  }
}

void keep_smallest(uint32_t* word, uint32_t value) {
  uint32_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (value < seen && !__atomic_compare_exchange_n(word, &seen, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
}

// The first product that is too large, or `count`.
uint32_t first_large(const float* products, uint32_t count) {
  bool found = false;
  for (uint32_t i = 0; i < count; i++) found |= !(__builtin_fabsf(products[i]) < LIMIT);
  if (!found) return count;
  uint32_t first = 0;
  while (__builtin_fabsf(products[first]) < LIMIT) first++;
  return first;
}

struct Tile {
  uint32_t row, row_end, column, column_end;
};

// The tile's rows against the PANEL columns from `column` on.
void multiply_panel(const Dispatch& dispatch, const Tile& tile, const float* panel, uint32_t column) {
  using namespace contract::multiply_rows;
  const Params& params = dispatch.params<Params>();
  const uint32_t check = dispatch.constants<Constants>().check;
  uint32_t* first_invalid = dispatch.buffer<uint32_t>(Binding::first_invalid);
  const float* left = dispatch.buffer<float>(Binding::left);
  const uint32_t dimensions = params.chunks * 4, live = minimum(PANEL, tile.column_end - column);
  for (uint32_t first = tile.row; first < tile.row_end; first += BLOCK) {
    const float* rows[BLOCK];
    for (uint32_t r = 0; r < BLOCK; r++) rows[r] = left + size_t{minimum(first + r, tile.row_end - 1)} * dimensions;
    Floats sums[BLOCK][2] = {};
    multiply_block(rows, panel, dimensions, sums);
    for (uint32_t r = 0; r < minimum(BLOCK, tile.row_end - first); r++) {
      float results[PANEL];
      for (int v = 0; v < 2; v++) store(results + v * LANES, sums[r][v]);
      const uint32_t large = check == 0 ? live : first_large(results, live);
      if (large < live) keep_smallest(first_invalid, check == 1 ? first + r : column + large);
      for (uint32_t i = 0; i < PANEL; i++) results[i] *= params.scale;
      float* to = dispatch.buffer<float>(Binding::products) + size_t{first + r} * params.stride + column;
      std::memcpy(to, results, live * sizeof(float));
    }
  }
}

}  // namespace

void multiply_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  using namespace contract::multiply_rows;
  const Params& params = dispatch.params<Params>();
  const uint32_t side = dispatch.constants<Constants>().side;
  float* panels = scratch<float>(panel_floats(params.chunks) * (side / PANEL));
  // Workgroups that follow each other share their columns.
  uint32_t packed = UINT32_MAX;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const Tile tile = {group.x * side, minimum(params.rows, (group.x + 1) * side), group.y * side,
                       minimum(params.columns, (group.y + 1) * side)};
    if (tile.row >= params.rows || tile.column >= params.columns) continue;
    for (uint32_t column = tile.column; column < tile.column_end; column += PANEL) {
      float* panel = panels + panel_floats(params.chunks) * ((column - tile.column) / PANEL);
      if (group.y != packed) pack_rows_panel(dispatch.buffer<float>(Binding::right), column, params, panel);
      multiply_panel(dispatch, tile, panel, column);
    }
    packed = group.y;
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
