// Runs a dispatch: threadgroups over worker threads, or on one where accesses are checked.
#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>

#include "checker.hpp"
#include "context.hpp"
#include "problems.hpp"
#include "scheduler.hpp"

namespace software_metal {
namespace {

constexpr unsigned kMaxWorkers = 64;
constexpr size_t kThreadgroupAlignment = 16;

/** From the environment: SOFTWARE_METAL_ORDER=reverse runs threadgroups and SIMD-groups last to first. */
bool is_order_reversed() {
  const char* order = getenv("SOFTWARE_METAL_ORDER");
  return order && std::string_view(order) == "reverse";
}

unsigned worker_count() {
  const char* count = getenv("SOFTWARE_METAL_THREADS");
  const unsigned wanted = count ? static_cast<unsigned>(atoi(count)) : std::thread::hardware_concurrency();
  return wanted < 1 ? 1 : wanted > kMaxWorkers ? kMaxWorkers : wanted;
}

/** Function constants are globals of the kernel's library. */
void set_constants(const Dispatch& dispatch) {
  const Module& module = *dispatch.module;
  for (int i = 0; i < module.constant_count; i++) {
    const FunctionConstant& constant = module.constants[i];
    *constant.is_defined = false;
    for (const ConstantValue& value : *dispatch.constants) {
      if (value.index != constant.index) continue;
      memcpy(constant.value, value.data, constant.bytes);
      *constant.is_defined = true;
    }
  }
  module.derive_constants();
}

void add_buffer(Context& c, int index) {
  const Binding& buffer = c.dispatch->buffers[index];
  if (!buffer.data) return;
  for (const Region& region : c.regions)
    if (region.begin == buffer.begin) return;  // one allocation bound twice: one region
  Cell* cells = shadow_of(buffer.begin, static_cast<size_t>(buffer.end - buffer.begin), c.batch);
  c.regions.push_back({buffer.begin, buffer.end, cells, false, "buffer", index});
}

void add_threadgroup_memory(Context& c, int index) {
  const uint32_t bytes = c.dispatch->threadgroup_bytes[index];
  if (!bytes) return;
  const uint32_t offset = c.dynamic_offset[index] = take_threadgroup_memory(c, bytes, kThreadgroupAlignment);
  if (!c.is_checked) return;
  uint8_t* memory = c.threadgroup_memory + offset;
  c.regions.push_back({memory, memory + bytes, c.threadgroup_cells + offset, true, "threadgroup memory", index});
  c.threadgroup_bytes += kThreadgroupAlignment;  // a gap, so that an overrun meets no other variable
}

void prepare(Context& c, const Dispatch& dispatch) {
  c.dispatch = &dispatch;
  c.is_checked = dispatch.module->is_checked;
  for (int k = 0; k < 3; k++)
    c.groups[k] = (dispatch.grid[k] + dispatch.threads_per_group[k] - 1) / dispatch.threads_per_group[k];
  c.threadgroup_bytes = 0;
  c.variables.clear();
  c.regions.clear();
  c.last_region = 0;
  if (c.is_checked) {
    c.threadgroup_cells = shadow_of(c.threadgroup_memory, sizeof c.threadgroup_memory, c.batch);
    for (int i = 0; i < kMaxBindings; i++) add_buffer(c, i);
  }
  for (int i = 0; i < kMaxBindings; i++) add_threadgroup_memory(c, i);
}

}  // namespace

std::string run(const Dispatch& dispatch) {
  static std::mutex one_at_a_time;
  static Context* contexts[kMaxWorkers];
  std::lock_guard lock(one_at_a_time);
  clear_problems();
  set_constants(dispatch);
  const bool is_checked = dispatch.module->is_checked, is_reversed = is_order_reversed();
  if (is_checked) prepare_checker(dispatch);
  uint32_t total = 1;
  for (int k = 0; k < 3; k++)
    total *= (dispatch.grid[k] + dispatch.threads_per_group[k] - 1) / dispatch.threads_per_group[k];
  // Threadgroups of dispatches side by side are apart like those of one.
  static uint32_t batch = 0, first_serial = 0;
  if (!dispatch.is_side_by_side || first_serial + total > Epochs::kMostSerials) {
    batch++;
    first_serial = 0;
  }
  std::atomic<uint32_t> next{0};
  auto work = [&](unsigned worker) {
    if (!contexts[worker]) contexts[worker] = new Context;
    Context& c = *(context = contexts[worker]);
    c.batch = batch;
    c.first_serial = first_serial;
    prepare(c, dispatch);
    for (uint32_t i; (i = next++) < total && !has_too_many_problems();)
      run_threadgroup(c, is_reversed ? total - 1 - i : i, is_reversed);
    c.dispatch = nullptr;
    context = nullptr;
  };
  const unsigned workers = is_checked || total < 4 ? 1 : worker_count();
  std::vector<std::thread> others;
  for (unsigned i = 1; i < workers; i++) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
  first_serial += total;
  return problems();
}

}  // namespace software_metal
