// One query against rows in the order of memory: each row of a group is read once, with no copy and no reuse.
#pragma once
#include "cpu/kernels/common/packed_rows.hpp"

namespace wavetile::cpu::WAVETILE_ISA {

enum class Scan { product, squared_difference, square };

// A row's chunks within packed rows: the first one, and as many as belong to it.
struct RowChunks {
  const float* first;
  uint32_t count;
};

template <Scan scan>
inline Floats scan_step(Floats sum, Floats row, Floats query) {
  if constexpr (scan == Scan::product) return sum + row * query;
  if constexpr (scan == Scan::square) return sum + row * row;
  const Floats difference = row - query;
  return sum + difference * difference;
}

// Adds chunks [begin, end) of 8 vectors of rows to `lanes`; `rows` and `lanes` are at the first of these rows.
template <Scan scan>
inline void add_chunks(const float* rows, const float* query, uint32_t begin, uint32_t end, float* lanes) {
  Floats partial[8];
  for (int v = 0; v < 8; v++) partial[v] = load<Floats>(lanes + v * LANES);
  for (uint32_t chunk = begin; chunk < end; chunk++) {
    Floats target{};
    if constexpr (scan != Scan::square) target = repeat(load<Quad>(query + chunk * CHUNK_STRIDE));
#pragma GCC unroll 8
    for (int v = 0; v < 8; v++) {
      partial[v] = scan_step<scan>(partial[v], load<Floats>(rows + chunk * CHUNK_STRIDE + v * LANES), target);
    }
  }
  for (int v = 0; v < 8; v++) store(lanes + v * LANES, partial[v]);
}

// sums[r] over the chunks of row r of a group; `rows` is its first row's first chunk. Scan::square takes no query.
template <Scan scan>
inline void group_sums(const float* rows, RowChunks query, float* sums) {
  // Eight vectors may not hold all 32 rows; a few chunks at a time then keep the reads close to each other.
  constexpr uint32_t SPAN = 8 * LANES;
  const uint32_t step = SPAN == CHUNK_STRIDE ? query.count : 8;
  float lanes[CHUNK_STRIDE] = {};
  for (uint32_t chunk = 0; chunk < query.count; chunk += step) {
    for (uint32_t first = 0; first < CHUNK_STRIDE; first += SPAN) {
      add_chunks<scan>(rows + first, query.first, chunk, minimum(chunk + step, query.count), lanes + first);
    }
  }
  for (uint32_t r = 0; r < GROUP; r += 4) {
    Quad a = load<Quad>(lanes + r * 4), b = load<Quad>(lanes + r * 4 + 4);
    Quad c = load<Quad>(lanes + r * 4 + 8), d = load<Quad>(lanes + r * 4 + 12);
    transpose(a, b, c, d);
    store(sums + r, (a + b) + (c + d));
  }
}

// metric 0: squared distances, 1: negated products.
inline void group_distances(uint32_t metric, const float* rows, RowChunks query, float* distances) {
  if (metric == 0) return group_sums<Scan::squared_difference>(rows, query, distances);
  group_sums<Scan::product>(rows, query, distances);
  for (uint32_t r = 0; r < GROUP; r++) distances[r] = -distances[r];
}

// The sum in a fixed order: by lanes, then the lanes, then the rest.
inline float sum_of(const float* values, uint32_t count) {
  Floats sums[4] = {};
  uint32_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES) {
    for (int v = 0; v < 4; v++) sums[v] += load<Floats>(values + i + v * LANES);
  }
  float sum = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; i++) sum += values[i];
  return sum;
}

}  // namespace wavetile::cpu::WAVETILE_ISA
