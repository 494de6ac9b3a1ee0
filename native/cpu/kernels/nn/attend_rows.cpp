// Attention of one new token of each row over its sequence's pages. A workgroup does a kv head with its group of query
// heads over one share of a row's pages; the last one to end merges the shares.
#include "contracts/attend_rows.hpp"

#include "cpu/kernels/common/attention.hpp"
#include "cpu/kernels/common/rope.hpp"
#include "cpu/kernels/common/store_block.hpp"

namespace wavetile::cpu::WAVETILE_ISA {
namespace {

using contract::attend_rows::Binding;
using contract::attend_rows::Constants;
using contract::attend_rows::Params;

struct Work {
  const Dispatch& dispatch;
  Workgroup at;
  const uint32_t* step;
  const Params& params;
  const Constants& constants;
  uint32_t size, group, kv_heads, splits, pitch;
  float *queries, *sums;  // [group][pitch]
  Online* online;         // [group]
  PageFloats page;

  const float* projected(uint32_t column) const {
    return dispatch.buffer<float>(Binding::projected) + size_t{at.z} * params.stride + column;
  }
};

void keep_token(const Work& work, const Rotation& rotation, const Pages& pages) {
  const uint32_t head = work.at.x * work.size, position = work.step[1];
  float key[256];
  const float* norm = work.constants.normed != 0 ? work.dispatch.buffer<float>(Binding::key_norm) : nullptr;
  rotation.apply(work.projected(work.params.k_offset + head), norm, position, key);
  const size_t to = pages.token(position);
  halves_of_floats(key, work.size, work.dispatch.buffer<uint16_t>(Binding::keys) + to);
  const float* value = work.projected(work.params.v_offset + head);
  halves_of_floats(value, work.size, work.dispatch.buffer<uint16_t>(Binding::values) + to);
}

void prepare(const Work& work, const Pages& pages) {
  const Rotation rotation = {work.size, work.constants.rope_style, work.params.rope_dims,
                             work.dispatch.buffer<float>(Binding::rope), work.params.epsilon};
  const float* norm = work.constants.normed != 0 ? work.dispatch.buffer<float>(Binding::query_norm) : nullptr;
  for (uint32_t h = 0; h < work.group; h++) {
    float* query = work.queries + size_t{h} * work.pitch;
    const float* from = work.projected((work.at.x * work.group + h) * work.size);
    if (work.constants.fused != 0)
      rotation.apply(from, norm, work.step[1], query);
    else
      std::memcpy(query, from, work.size * sizeof(float));
    for (uint32_t d = 0; d < work.pitch; d++) query[d] = d < work.size ? query[d] * work.params.scale * LOG2_E : 0;
    work.online[h] = {LEAST, 0, work.sums + size_t{h} * work.pitch};
    std::memset(work.online[h].sums, 0, work.pitch * sizeof(float));
  }
  if (work.constants.fused != 0 && work.at.y == work.splits - 1) keep_token(work, rotation, pages);
}

void attend_share(const Work& work, const Pages& pages) {
  const uint32_t all = work.step[1] + 1, window = work.params.window;
  const uint32_t start = window == 0 || all <= window ? 0 : all - window;
  const uint32_t page = start / PAGE, count = (all + PAGE - 1) / PAGE - page;
  const uint32_t last = page + count * (work.at.y + 1) / work.splits;
  const uint16_t* keys = work.dispatch.buffer<uint16_t>(Binding::keys);
  const uint16_t* values = work.dispatch.buffer<uint16_t>(Binding::values);
  for (uint32_t p = page + count * work.at.y / work.splits; p < last; p++) {
    const uint32_t begin = p * PAGE < start ? start : p * PAGE, end = minimum(all, (p + 1) * PAGE);
    work.page.fill(pages, keys, values, begin, end);
    for (uint32_t h = 0; h < work.group; h++)
      attend_page(work.page, end - begin, work.queries + size_t{h} * work.pitch, work.online[h]);
  }
}

// Leaves the share in partials; true for the last share, which then has all of them.
bool merge_shares(const Work& work) {
  const uint32_t columns = work.group * work.size;
  const size_t stride = columns + 2 * work.group, pair = size_t{work.at.z} * work.kv_heads + work.at.x;
  float* all = work.dispatch.buffer<float>(Binding::partials) + pair * work.splits * stride;
  float* own = all + work.at.y * stride;
  for (uint32_t h = 0; h < work.group; h++) {
    std::memcpy(own + size_t{h} * work.size, work.online[h].sums, work.size * sizeof(float));
    own[columns + 2 * h] = work.online[h].most, own[columns + 2 * h + 1] = work.online[h].total;
  }
  uint32_t* counter = work.dispatch.buffer<uint32_t>(Binding::counters) + pair;
  if (__atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL) != work.splits) return false;
  __atomic_store_n(counter, 0, __ATOMIC_RELAXED);
  for (uint32_t h = 0; h < work.group; h++) {
    Online& online = work.online[h];
    online = {LEAST, 0, online.sums};
    std::memset(online.sums, 0, work.size * sizeof(float));
    for (uint32_t s = 0; s < work.splits; s++) {
      const float most = all[s * stride + columns + 2 * h];
      online.most = most > online.most ? most : online.most;
    }
    for (uint32_t s = 0; s < work.splits; s++) {
      const float* part = all + s * stride;
      const float factor = power_of_two(part[columns + 2 * h] - online.most);
      online.total += factor * part[columns + 2 * h + 1];
      for (uint32_t d = 0; d < work.size; d++) online.sums[d] += factor * part[size_t{h} * work.size + d];
    }
  }
  return true;
}

// Columns [first, first + group * size) of the row; the last head pads the row with zeros.
void store_row(const Work& work, bool live) {
  const uint32_t columns = work.group * work.size, first = work.at.x * columns;
  const uint32_t blocks = (work.kv_heads * columns + 31) / 32, form = work.constants.form;
  const StoredBlocks stored = {form, work.dispatch.buffer<uint8_t>(Binding::attended),
                               work.dispatch.buffer<float>(Binding::blocks)};
  const uint32_t count = work.at.x == work.kv_heads - 1 ? blocks * 32 - first : columns;
  stored.store_numbers(size_t{work.at.z} * blocks * 32 + first, count, columns % 32 == 0, [&](uint32_t i) {
    const uint32_t h = i / work.size;
    return live && i < columns ? work.online[h].sums[i % work.size] / work.online[h].total : 0;
  });
}

}  // namespace

void attend_rows(const Dispatch& dispatch, uint32_t begin, uint32_t end) {
  const Params& params = dispatch.params<Params>();
  const Constants& constants = dispatch.constants<Constants>();
  const uint32_t size = constants.head_size, group = constants.group, pitch = padded_size(size);
  float* memory = scratch<float>(size_t{pitch} * (2 * group + 2 * PAGE) + group * sizeof(Online) / sizeof(float));
  float *queries = memory, *sums = queries + size_t{pitch} * group, *keys = sums + size_t{pitch} * group;
  const PageFloats page = {keys, keys + size_t{pitch} * PAGE, pitch};
  Online* online = reinterpret_cast<Online*>(page.values + size_t{pitch} * PAGE);
  for (uint32_t w = begin; w < end; w++) {
    const Workgroup at = workgroup_at(dispatch, w);
    const uint32_t* step = dispatch.buffer<uint32_t>(Binding::steps) + size_t{at.z} * 4;
    const uint32_t kv_heads = dispatch.grid[0], splits = dispatch.grid[1];
    const Work work = {dispatch, at,     step,  params,  constants, size,   group,
                       kv_heads, splits, pitch, queries, sums,      online, page};
    if (step[3] == 0) {
      if (at.y == 0) store_row(work, false);
      continue;
    }
    const uint32_t* numbers = dispatch.buffer<uint32_t>(Binding::pages) + size_t{step[2]} * params.page_stride;
    const Pages pages = {numbers, kv_heads, at.x, size};
    prepare(work, pages);
    attend_share(work, pages);
    if (splits == 1 || merge_shares(work)) store_row(work, true);
  }
}

}  // namespace wavetile::cpu::WAVETILE_ISA
