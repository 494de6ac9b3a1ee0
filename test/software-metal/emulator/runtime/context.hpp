// The state of one worker: the threads of its current threadgroup as fibers, threadgroup memory, the checker's records.
#pragma once
#include <cstdint>
#include <vector>

#include "../abi.hpp"
#include "dispatch.hpp"
#include "shadow.hpp"

namespace software_metal {

constexpr uint32_t kSimdWidth = 32;
constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxThreadgroupBytes = 32768;
constexpr size_t kStackBytes = 128 << 10;

enum class State : uint8_t { Fresh, Ready, Collective, SimdgroupBarrier, ThreadgroupBarrier, Done };

/** One thread of a kernel, and what it waits for. */
struct Lane {
  void* stack_pointer;
  uint8_t* stack;
  State state;
  bool needs_all;
  Site site;
  uint32_t memory;  // flags of the barrier
  Operation operation;
  const void* in;
  void* out;

  bool can_run() const { return state == State::Fresh || state == State::Ready; }
};

struct ThreadgroupVariable {
  const void* key;
  uint32_t offset;
};

struct Context {
  const Dispatch* dispatch = nullptr;
  uint32_t threads = 0, simdgroups = 0;  // of the current threadgroup: less than a full one at the edge of the grid
  uint32_t current = 0;                  // the thread that runs
  uint32_t size[3], group[3], groups[3];
  Lane lanes[kMaxThreads];
  void* worker_stack_pointer = nullptr;
  std::vector<uint8_t*> free_stacks;
  uint8_t* current_stack = nullptr;
  alignas(64) uint8_t threadgroup_memory[kMaxThreadgroupBytes + 64];
  uint32_t threadgroup_bytes = 0, dynamic_offset[kMaxBindings];
  std::vector<ThreadgroupVariable> variables;
  unsigned answer[4];  // of position()

  bool is_checked = false;
  bool lost_thread = false;  // one was ended at a bad access: that it misses barriers is no further problem
  std::vector<Region> regions;
  size_t last_region = 0;
  Cell* threadgroup_cells = nullptr;
  Epochs epochs;
  uint32_t batch = 0;         // of dispatches that run side by side
  uint32_t first_serial = 0;  // of the dispatch's threadgroups

  uint32_t simdgroup_end(uint32_t first) const { return first + kSimdWidth < threads ? first + kSimdWidth : threads; }
};

/** Of this worker thread; null outside of a dispatch. */
extern thread_local constinit Context* context;

/** Takes threadgroup memory; the process ends where there is none left. */
uint32_t take_threadgroup_memory(Context& c, size_t bytes, size_t alignment);

}  // namespace software_metal
