// Which ranges were read and written since the last barrier: tells when the next command needs one.
#pragma once
#include <unordered_map>
#include <vector>

#include "device/device.hpp"

namespace wavetile {

struct RangeAccess {
  const BufferRange* range;
  Access access;
};
std::vector<RangeAccess> accesses_of(const Command& command);

class Hazards {
 public:
  // True when one of them reads what was written, or writes what was read or written.
  bool conflict(const std::vector<RangeAccess>& accesses) const;
  void add(const std::vector<RangeAccess>& accesses);
  void clear() { used_.clear(); }

 private:
  struct Used {
    uint64_t begin, end;
    bool written;
  };
  std::unordered_map<const Buffer*, std::vector<Used>> used_;
};

}  // namespace wavetile
