// Opens the queue.
#include "metal/context.hpp"

namespace wavetile::metal {

Context::Context(PhysicalDevice physical_device)
    : physical(std::move(physical_device)), mtl_device(physical.mtl_device.get()) {
  const ScopedPool pool;
  mtl_queue = NS::TransferPtr(mtl_device->newCommandQueue(kCommandBuffers));
  mtl_fence = NS::TransferPtr(mtl_device->newFence());
  if (!mtl_queue || !mtl_fence) {
    throw Error(ErrorCode::no_device, physical.info.name + " gives this process no command queue");
  }
}

}  // namespace wavetile::metal
