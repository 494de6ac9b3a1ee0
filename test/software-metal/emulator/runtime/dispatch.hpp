// The host's side of the emulator: what one dispatch is, and running it.
#pragma once
#include <string>
#include <vector>

#include "../abi.hpp"

namespace software_metal {

struct Binding {
  uint8_t* data = nullptr;  // null where nothing is bound: legal while the kernel does not touch it
  uint8_t* begin = nullptr;
  uint8_t* end = nullptr;  // of the whole allocation
};

struct ConstantValue {
  int index;
  uint8_t data[16];
};

struct Dispatch {
  const Module* module = nullptr;
  const Kernel* kernel = nullptr;
  Binding buffers[kMaxBindings];
  uint32_t threadgroup_bytes[kMaxBindings] = {};
  uint32_t threads_per_group[3] = {};
  uint32_t grid[3] = {};  // in threads
  const std::vector<ConstantValue>* constants = nullptr;
  bool is_side_by_side = false;  // with the dispatch before: nothing puts them in order
};

/** Runs all threadgroups. Returns the problems found, a line for each, or an empty string. */
std::string run(const Dispatch& dispatch);

}  // namespace software_metal
