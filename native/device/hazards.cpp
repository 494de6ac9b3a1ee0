// Ranges are compared by bytes within a buffer; two buffers never share memory.
#include "device/hazards.hpp"

namespace wavetile {
namespace {

bool writes(Access access) { return static_cast<uint8_t>(access) & static_cast<uint8_t>(Access::write); }

}  // namespace

std::vector<RangeAccess> accesses_of(const Command& command) {
  std::vector<RangeAccess> accesses;
  if (const auto* dispatch = std::get_if<DispatchCommand>(&command)) {
    for (size_t i = 0; i < dispatch->buffers.size(); ++i) {
      accesses.push_back({&dispatch->buffers[i], dispatch->kernel->bindings[i].access});
    }
    if (dispatch->indirect.buffer) accesses.push_back({&dispatch->indirect, Access::read});
  } else if (const auto* copy = std::get_if<CopyCommand>(&command)) {
    accesses = {{&copy->from, Access::read}, {&copy->to, Access::write}};
  } else {
    accesses = {{&std::get<FillCommand>(command).to, Access::write}};
  }
  return accesses;
}

bool Hazards::conflict(const std::vector<RangeAccess>& accesses) const {
  for (const auto& [range, access] : accesses) {
    const auto used = used_.find(range->buffer.get());
    if (used == used_.end()) continue;
    for (const Used& one : used->second) {
      const bool overlap = range->offset < one.end && one.begin < range->offset + range->bytes;
      if (overlap && (one.written || writes(access))) return true;
    }
  }
  return false;
}

void Hazards::add(const std::vector<RangeAccess>& accesses) {
  for (const auto& [range, access] : accesses) {
    used_[range->buffer.get()].push_back({range->offset, range->offset + range->bytes, writes(access)});
  }
}

}  // namespace wavetile
