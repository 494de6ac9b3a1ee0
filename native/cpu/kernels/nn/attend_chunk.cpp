// Attention of consecutive rows of one sequence over its pages, by online softmax. A workgroup does 64 rows of a head.
#include "contracts/attend_chunk.hpp"

#include "cpu/kernels/common/attention.hpp"
#include "cpu/kernels/common/store_block.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::attend_chunk::Binding;
using contract::attend_chunk::Constants;
using contract::attend_chunk::Params;

constexpr uint32_t ROWS = 64;
constexpr uint32_t BLOCK = LANES == 16 ? 8 : LANES == 8 ? 2 : 1;  // rows whose scores of a page fit into registers

struct Work {
  const Dispatch& dispatch;
  const Params& params;
  uint32_t size, pitch, head, first, count, live;  // rows
  float *queries, *sums;                           // [ROWS][pitch]
  float *keys, *weights;                           // of a page: [size][PAGE], [BLOCK][PAGE]
  Online online[ROWS];
};

// Rows behind the live ones, up to a whole block, are zeros.
void prepare(Work& work) {
  const bool is_half = work.dispatch.constants<Constants>().half_queries != 0;
  for (uint32_t r = 0; r < (work.live + BLOCK - 1) / BLOCK * BLOCK; r++) {
    float* query = work.queries + size_t{r} * work.pitch;
    const size_t from = ((size_t{work.first} + r) * work.params.heads + work.head) * work.size;
    if (is_half)
      floats_of_halves(work.dispatch.buffer<uint16_t>(Binding::queries) + from, work.size, query);
    else
      std::memcpy(query, work.dispatch.buffer<float>(Binding::queries) + from, work.size * sizeof(float));
    for (uint32_t d = 0; d < work.pitch; d++) query[d] = d < work.size ? query[d] * work.params.scale * LOG2_E : 0;
    work.online[r] = {LEAST, 0, work.sums + size_t{r} * work.pitch};
    std::memset(work.online[r].sums, 0, work.pitch * sizeof(float));
  }
}

uint32_t start_of(uint32_t position, uint32_t window) {
  return window == 0 || position + 1 <= window ? 0 : position + 1 - window;
}

// Columns of the page's keys become rows; tokens from `count` on are zeros.
void turn_keys(const Work& work, const PageFloats& page, uint32_t count) {
  for (uint32_t i = count; i < PAGE; i++)
    std::memset(page.keys + size_t{i} * page.pitch, 0, page.pitch * sizeof(float));
  for (uint32_t i = 0; i < PAGE; i += 4) {
    for (uint32_t d = 0; d < work.size; d += 4) {
      Quad rows[4];
      for (uint32_t n = 0; n < 4; n++) rows[n] = load<Quad>(page.keys + size_t{i + n} * page.pitch + d);
      transpose(rows[0], rows[1], rows[2], rows[3]);
      for (uint32_t n = 0; n < 4; n++) store(work.keys + size_t{d + n} * PAGE + i, rows[n]);
    }
  }
}

void score_block(const Work& work, const float* queries) {
  constexpr uint32_t VECTORS = PAGE / LANES;
  Floats sums[BLOCK][VECTORS] = {};
  for (uint32_t d = 0; d < work.size; d++) {
    Floats keys[VECTORS];
    for (uint32_t v = 0; v < VECTORS; v++) keys[v] = load<Floats>(work.keys + size_t{d} * PAGE + v * LANES);
    for (uint32_t r = 0; r < BLOCK; r++) {
      for (uint32_t v = 0; v < VECTORS; v++) sums[r][v] += queries[size_t{r} * work.pitch + d] * keys[v];
    }
  }
  for (uint32_t r = 0; r < BLOCK; r++) {
    for (uint32_t v = 0; v < VECTORS; v++) store(work.weights + r * PAGE + v * LANES, sums[r][v]);
  }
}

template <uint32_t VECTORS>
void add_columns(const Work& work, const PageFloats& page, uint32_t count, float* to) {
  Floats sums[BLOCK][VECTORS];
  const float* values = page.values + (to - work.sums) % work.pitch;
  for (uint32_t r = 0; r < BLOCK; r++) {
    for (uint32_t v = 0; v < VECTORS; v++) sums[r][v] = load<Floats>(to + size_t{r} * work.pitch + v * LANES);
  }
  for (uint32_t i = 0; i < count; i++) {
    Floats value[VECTORS];
    for (uint32_t v = 0; v < VECTORS; v++) value[v] = load<Floats>(values + size_t{i} * work.pitch + v * LANES);
    for (uint32_t r = 0; r < BLOCK; r++) {
      for (uint32_t v = 0; v < VECTORS; v++) sums[r][v] += work.weights[r * PAGE + i] * value[v];
    }
  }
  for (uint32_t r = 0; r < BLOCK; r++) {
    for (uint32_t v = 0; v < VECTORS; v++) store(to + size_t{r} * work.pitch + v * LANES, sums[r][v]);
  }
}

// The tokens [begin, begin + count) of a page for the rows from `row` on, the first of them at `position`.
void attend_block(Work& work, const PageFloats& page, uint32_t begin, uint32_t count, uint32_t row, uint32_t position) {
  score_block(work, work.queries + size_t{row} * work.pitch);
  for (uint32_t r = 0; r < BLOCK; r++) {
    const uint32_t start = start_of(position + r, work.params.window), seen = minimum(begin + count, position + r + 1);
    float* weights = work.weights + r * PAGE;
    for (uint32_t i = 0; i < PAGE; i++) {
      if (begin + i < start || begin + i >= seen) weights[i] = LEAST;
    }
    weigh_page(weights, work.online[row + r], work.pitch);
  }
  float* sums = work.sums + size_t{row} * work.pitch;
  uint32_t d = 0;
  for (; d + 2 * LANES <= work.pitch; d += 2 * LANES) add_columns<2>(work, page, count, sums + d);
  if (d < work.pitch) add_columns<1>(work, page, count, sums + d);
}

void attend(Work& work, const PageFloats& page, const Pages& pages, uint32_t position) {
  const uint16_t* keys = work.dispatch.buffer<uint16_t>(Binding::keys);
  const uint16_t* values = work.dispatch.buffer<uint16_t>(Binding::values);
  const uint32_t window = work.params.window, last = position + work.live;
  uint32_t begin = work.live == 0 ? last : start_of(position, window);
  while (begin < last) {
    const uint32_t end = minimum(last, (begin / PAGE + 1) * PAGE);
    page.fill(pages, keys, values, begin, end);
    turn_keys(work, page, end - begin);
    for (uint32_t r = 0; r < work.live; r += BLOCK) {
      const bool none = position + r + BLOCK <= begin || start_of(position + r, window) >= end;
      if (!none) attend_block(work, page, begin, end - begin, r, position + r);
    }
    begin = end;
  }
}

// The last head pads the rows with zeros.
void store_rows(const Work& work) {
  const uint32_t heads = work.params.heads, blocks = (heads * work.size + 31) / 32, column = work.head * work.size;
  const uint32_t count = work.head == heads - 1 ? blocks * 32 - column : work.size;
  const uint32_t form = work.dispatch.constants<Constants>().form;
  const StoredBlocks stored = {form, work.dispatch.buffer<uint8_t>(Binding::attended),
                               work.dispatch.buffer<float>(Binding::blocks)};
  for (uint32_t r = 0; r < work.count; r++) {
    const Online& online = work.online[r];
    const size_t at = (size_t{work.first} + r) * blocks * 32 + column;
    stored.store_numbers(at, count, work.size % 32 == 0, [&](uint32_t i) {
      return r < work.live && i < work.size ? online.sums[i] / online.total : 0;
    });
  }
}

}  // namespace

void attend_chunk(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  const uint32_t size = dispatch.constants<Constants>().head_size, pitch = padded_size(size);
  float* memory = scratch<float>(size_t{pitch} * (2 * ROWS + 3 * PAGE) + BLOCK * PAGE);
  float* sums = memory + size_t{pitch} * ROWS;
  const PageFloats page = {sums + size_t{pitch} * ROWS, sums + size_t{pitch} * (ROWS + PAGE), pitch};
  float *keys = page.values + size_t{pitch} * PAGE, *weights = keys + size_t{pitch} * PAGE;
  const uint32_t* steps = dispatch.buffer<uint32_t>(Binding::steps);
  const uint32_t* numbers = dispatch.buffer<uint32_t>(Binding::pages) + size_t{steps[2]} * params.page_stride;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first = group.x * ROWS;
    if (first >= params.rows) continue;
    const uint32_t count = minimum(ROWS, params.rows - first);
    Work work = {dispatch, params, size, pitch, group.y, first, count, 0, memory, sums, keys, weights, {}};
    for (uint32_t r = 0; r < work.count; r++) {
      if (steps[(size_t{first} + r) * 4 + 3] != 0) work.live = r + 1;
    }
    prepare(work);
    attend(work, page, {numbers, params.kv_heads, group.y / (params.heads / params.kv_heads), size}, steps[1] + first);
    store_rows(work);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
