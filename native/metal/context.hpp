// The MTL::Device with what everything made from it needs: its queue, its fence, the memory
// that stays wired, and whether it was lost.
#pragma once
#include <atomic>

#include "metal/physical_device.hpp"
#include "metal/residency.hpp"

namespace wavetile::metal {

inline constexpr uint32_t kCommandBuffers = 64;  // of the queue: Metal blocks who asks for one more

struct Context {
  explicit Context(PhysicalDevice physical_device);

  void throw_if_lost() const {
    if (lost) throw lost_error(physical.info.name, "an earlier run said why");
  }

  const PhysicalDevice physical;
  MTL::Device* const mtl_device;
  NS::SharedPtr<MTL::CommandQueue> mtl_queue;
  Residency residency;
  // Buffers are untracked, so nothing else keeps one command buffer's work behind that of the one before it. A fence
  // and not an event: it is cheap, and a command buffer that fails leaves nobody waiting.
  NS::SharedPtr<MTL::Fence> mtl_fence;
  bool fence_updated = false;  // by a command buffer that was committed; only the thread that encodes looks
  std::atomic<bool> lost = false;
};

}  // namespace wavetile::metal
