// Runs the threads of a threadgroup as fibers, in step at barriers and at SIMD-group functions.
#include "scheduler.hpp"

#include <cstring>

#include "context.hpp"
#include "fiber.hpp"
#include "problems.hpp"

namespace software_metal {

thread_local constinit Context* context = nullptr;

namespace {

void thread_main();

/**
 * Goes on with the next thread of this SIMD-group that can run, or with the worker. After a finished thread its stack
 * may start a fresh one: the answer is then true, and the caller does.
 */
bool run_next(Context& c, bool is_finished, void** save) {
  const uint32_t end = c.simdgroup_end(c.current / kSimdWidth * kSimdWidth);
  for (uint32_t i = c.current + 1; i < end; i++) {
    Lane& lane = c.lanes[i];
    if (!lane.can_run()) continue;
    const bool is_fresh = lane.state == State::Fresh;
    c.current = i;
    if (is_fresh) {
      lane.state = State::Ready;
      if (is_finished) {
        lane.stack = c.current_stack;
        return true;
      }
      lane.stack = c.current_stack = take_stack(c);
      software_metal_switch(save, prepare_stack(lane.stack, thread_main));
      return false;
    }
    if (is_finished) c.free_stacks.push_back(c.current_stack);
    c.current_stack = lane.stack;
    software_metal_switch(save, lane.stack_pointer);
    return false;
  }
  if (is_finished) c.free_stacks.push_back(c.current_stack);
  software_metal_switch(save, c.worker_stack_pointer);
  return false;
}

void thread_main() {
  for (;;) {
    Context& c = *context;
    c.dispatch->kernel->call(c.dispatch->kernel->arguments);
    c.lanes[c.current].state = State::Done;
    void* never_resumed;
    run_next(c, true, &never_resumed);
  }
}

void block(State state, Site site) {
  Context& c = *context;
  Lane& lane = c.lanes[c.current];
  lane.state = state;
  lane.site = site;
  run_next(c, false, &lane.stack_pointer);
}

void resume(Context& c, uint32_t i) {
  Lane& lane = c.lanes[i];
  c.current = i;
  if (lane.state == State::Fresh) {
    lane.state = State::Ready;
    lane.stack = c.current_stack = take_stack(c);
    software_metal_switch(&c.worker_stack_pointer, prepare_stack(lane.stack, thread_main));
  } else {
    c.current_stack = lane.stack;
    software_metal_switch(&c.worker_stack_pointer, lane.stack_pointer);
  }
}

bool is_before(Site a, Site b) { return a.line < b.line || (a.line == b.line && a.column < b.column); }
bool is_same(Site a, Site b) { return a.line == b.line && a.column == b.column; }

/** The waiting lane that is earliest in the source: inner divergent paths go first. -1 where none waits. */
int earliest_waiting(const Context& c, uint32_t begin, uint32_t end) {
  int first = -1;
  for (uint32_t i = begin; i < end; i++) {
    const Lane& lane = c.lanes[i];
    if (lane.state != State::Collective && lane.state != State::SimdgroupBarrier) continue;
    if (first < 0 || is_before(lane.site, c.lanes[first].site)) first = static_cast<int>(i);
  }
  return first;
}

void report_divergence(Context& c, const Lane& lane, const Group& group, uint32_t live, uint32_t all) {
  if (c.lost_thread) return;
  if (group.active != live)
    report("divergence", "simdgroup operation at line %u reached by lanes %08x of %08x: undefined", lane.site.line,
           group.active, live);
  if (lane.state == State::Collective && group.active != all)
    report("divergence", "simdgroup matrix operation at line %u with inactive lanes (%08x)", lane.site.line,
           group.active);
}

/** Completes one operation for the lanes that wait at it with lane `first`. */
void complete(Context& c, uint32_t first, uint32_t begin, uint32_t end) {
  const Lane lane = c.lanes[first];
  const bool is_barrier = lane.state == State::SimdgroupBarrier;
  Group group{};
  uint32_t live = 0, memory = 0;
  for (uint32_t i = begin; i < end; i++) {
    Lane& other = c.lanes[i];
    if (other.state != State::Done) live |= 1u << (i - begin);
    if (other.state != lane.state || !is_same(other.site, lane.site)) continue;
    if (!is_barrier && other.operation != lane.operation) continue;
    group.active |= 1u << (i - begin);
    group.in[i - begin] = other.in;
    group.out[i - begin] = other.out;
    memory |= other.memory;
    other.state = State::Ready;
  }
  c.current = first;
  const uint32_t all = end - begin == kSimdWidth ? ~0u : (1u << (end - begin)) - 1;
  if (is_barrier || lane.needs_all) report_divergence(c, lane, group, live, all);
  if (is_barrier) {
    for (int kind = 0; kind < 2; kind++) c.epochs.simdgroup[kind][begin / kSimdWidth] += memory >> kind & 1;
    return;
  }
  alignas(16) uint8_t unused[64];
  for (uint32_t i = 0; lane.needs_all && i < kSimdWidth; i++) {
    if (group.active >> i & 1) continue;
    group.in[i] = lane.in;
    group.out[i] = unused;
  }
  lane.operation(group);
}

/** Until all its threads are done or wait for the threadgroup. */
void run_simdgroup(Context& c, uint32_t simdgroup) {
  const uint32_t begin = simdgroup * kSimdWidth, end = c.simdgroup_end(begin);
  for (;;) {
    for (uint32_t i = begin; i < end; i++)
      if (c.lanes[i].can_run()) resume(c, i);
    const int first = earliest_waiting(c, begin, end);
    if (first < 0) return;
    complete(c, static_cast<uint32_t>(first), begin, end);
  }
}

void place_threadgroup(Context& c, uint32_t index) {
  const Dispatch& d = *c.dispatch;
  c.group[0] = index % c.groups[0];
  c.group[1] = index / c.groups[0] % c.groups[1];
  c.group[2] = index / c.groups[0] / c.groups[1];
  for (int k = 0; k < 3; k++) {
    const uint32_t left = d.grid[k] - c.group[k] * d.threads_per_group[k];
    c.size[k] = left < d.threads_per_group[k] ? left : d.threads_per_group[k];
  }
  c.threads = c.size[0] * c.size[1] * c.size[2];
  c.simdgroups = (c.threads + kSimdWidth - 1) / kSimdWidth;
  for (uint32_t i = 0; i < c.threads; i++) c.lanes[i].state = State::Fresh;
  memset(c.threadgroup_memory, 0xff, c.threadgroup_bytes);  // undefined on the device: NaN here
  c.lost_thread = false;
  c.epochs.start(c.first_serial + index);
}

/** Lets all threads through their barrier. False when none waits: the threadgroup is done. */
bool pass_barrier(Context& c) {
  uint32_t done = 0, memory = 0;
  const Lane* first = nullptr;
  for (uint32_t i = 0; i < c.threads; i++) {
    Lane& lane = c.lanes[i];
    if (lane.state == State::Done) {
      done++;
      continue;
    }
    memory |= lane.memory;
    if (!first) first = &lane;
    if (is_same(lane.site, first->site)) continue;
    c.current = i;
    report("divergence", "threads wait at different threadgroup barriers: lines %u and %u", first->site.line,
           lane.site.line);
  }
  if (!first) return false;
  if (done > 0 && !c.lost_thread) {
    c.current = static_cast<uint32_t>(first - c.lanes);
    report("divergence", "threadgroup_barrier at line %u is not reached by %u of %u threads, which have returned",
           first->site.line, done, c.threads);
  }
  for (uint32_t i = 0; i < c.threads; i++)
    if (c.lanes[i].state == State::ThreadgroupBarrier) c.lanes[i].state = State::Ready;
  for (int kind = 0; kind < 2; kind++) c.epochs.threadgroup[kind] += memory >> kind & 1;
  return true;
}

/** Takes back the stacks of threads that wait. */
void abandon(Context& c) {
  for (uint32_t i = 0; i < c.threads; i++)
    if (c.lanes[i].state != State::Fresh && c.lanes[i].state != State::Done) c.free_stacks.push_back(c.lanes[i].stack);
}

}  // namespace

void meet(Operation operation, const void* in, void* out, Site site, bool needs_all) {
  Lane& lane = context->lanes[context->current];
  lane.operation = operation;
  lane.in = in;
  lane.out = out;
  lane.needs_all = needs_all;
  block(State::Collective, site);
}

void wait_threadgroup(uint32_t memory, Site site) {
  context->lanes[context->current].memory = memory;
  block(State::ThreadgroupBarrier, site);
}

void wait_simdgroup(uint32_t memory, Site site) {
  context->lanes[context->current].memory = memory;
  block(State::SimdgroupBarrier, site);
}

void end_thread(Context& c) {
  c.lost_thread = true;
  c.lanes[c.current].state = State::Done;
  void* never_resumed;
  run_next(c, true, &never_resumed);
  thread_main();
  __builtin_unreachable();
}

void run_threadgroup(Context& c, uint32_t index, bool is_reversed) {
  place_threadgroup(c, index);
  do {
    for (uint32_t k = 0; k < c.simdgroups; k++) run_simdgroup(c, is_reversed ? c.simdgroups - 1 - k : k);
    if (has_too_many_problems()) return abandon(c);
  } while (pass_barrier(c));
}

}  // namespace software_metal
