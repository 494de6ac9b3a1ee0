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

struct Work {
  const Dispatch& dispatch;
  const Params& params;
  uint32_t size, pitch, head, first, count, live;  // rows
  float *queries, *sums;                           // [ROWS][pitch]
  Online online[ROWS];
};

void prepare(Work& work) {
  const bool is_half = work.dispatch.constants<Constants>().half_queries != 0;
  for (uint32_t r = 0; r < work.live; r++) {
    float* query = work.queries + size_t{r} * work.pitch;
    const size_t from = ((size_t{work.first} + r) * work.params.heads + work.head) * work.size;
    if (is_half) floats_of_halves(work.dispatch.buffer<uint16_t>(Binding::queries) + from, work.size, query);
    else std::memcpy(query, work.dispatch.buffer<float>(Binding::queries) + from, work.size * sizeof(float));
    for (uint32_t d = 0; d < work.pitch; d++) query[d] = d < work.size ? query[d] * work.params.scale : 0;
    work.online[r] = {-1e30f, 0, work.sums + size_t{r} * work.pitch};
    std::memset(work.online[r].sums, 0, work.pitch * sizeof(float));
  }
}

uint32_t start_of(uint32_t position, uint32_t window) {
  return window == 0 || position + 1 <= window ? 0 : position + 1 - window;
}

void attend(Work& work, const PageFloats& page, const Pages& pages, uint32_t position) {
  const uint16_t* keys = work.dispatch.buffer<uint16_t>(Binding::keys);
  const uint16_t* values = work.dispatch.buffer<uint16_t>(Binding::values);
  const uint32_t window = work.params.window, last = position + work.live;
  uint32_t begin = work.live == 0 ? last : start_of(position, window);
  while (begin < last) {
    const uint32_t end = minimum(last, (begin / PAGE + 1) * PAGE);
    page.fill(pages, keys, values, begin, end);
    for (uint32_t r = 0; r < work.live; r++) {
      const uint32_t start = start_of(position + r, window), first = start > begin ? start - begin : 0;
      const uint32_t seen = minimum(end, position + r + 1);
      if (seen > begin) attend_page(page, first, seen - begin, work.queries + size_t{r} * work.pitch, work.online[r]);
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
  float block[32];
  for (uint32_t r = 0; r < work.count; r++) {
    const Online& online = work.online[r];
    for (uint32_t i = 0; i < count; i++) {
      const float value = r < work.live && i < work.size ? online.sums[i] / online.total : 0;
      const size_t at = (size_t{work.first} + r) * blocks * 32 + column + i;
      if (work.size % 32 == 0) {
        block[i % 32] = value;
        if (i % 32 == 31) stored.store(at / 32, block, squares_of(block));
        continue;
      }
      if (form == 0) std::memcpy(stored.values + at * 4, &value, 4);
      else store_half(stored.values + at * 2, value);
      if (at % 32 == 0) store(stored.blocks + at / 32 * 4, Quad{1, 0, 0, 0});
    }
  }
}

}  // namespace

void attend_chunk(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  const uint32_t size = dispatch.constants<Constants>().head_size, pitch = padded_size(size);
  float* memory = scratch<float>(size_t{pitch} * (2 * ROWS + 2 * PAGE));
  float* sums = memory + size_t{pitch} * ROWS;
  const PageFloats page = {sums + size_t{pitch} * ROWS, sums + size_t{pitch} * (ROWS + PAGE), pitch};
  const uint32_t* steps = dispatch.buffer<uint32_t>(Binding::steps);
  const uint32_t* numbers = dispatch.buffer<uint32_t>(Binding::pages) + size_t{steps[2]} * params.page_stride;
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup group = workgroup_at(dispatch, w);
    const uint32_t first = group.x * ROWS;
    if (first >= params.rows) continue;
    const uint32_t count = minimum(ROWS, params.rows - first);
    Work work = {dispatch, params, size, pitch, group.y, first, count, 0, memory, sums, {}};
    for (uint32_t r = 0; r < work.count; r++) {
      if (steps[(size_t{first} + r) * 4 + 3] != 0) work.live = r + 1;
    }
    prepare(work);
    attend(work, page, {numbers, params.kv_heads, group.y / (params.heads / params.kv_heads), size}, steps[1] + first);
    store_rows(work);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
