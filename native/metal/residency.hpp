// Keeps memory wired. Without it, a second without work is enough for the system to unwire all buffers, and the next
// run waits until the whole model is wired again.
#pragma once
#include <mutex>
#include <vector>

#include "metal/api.hpp"

namespace wavetile::metal {

class Residency {
 public:
  void open(MTL::Device& device, MTL::CommandQueue& queue);  // from macOS 15 on; before that nothing is kept
  MTL::ResidencySet* add(const MTL::Buffer* buffer);         // returns where it is, or null
  void remove(MTL::ResidencySet* set, const MTL::Buffer* buffer);

 private:
  std::mutex mutex_;
  std::vector<NS::SharedPtr<MTL::ResidencySet>> mtl_sets_;
};

}  // namespace wavetile::metal
