// Opens the queue.
#include "metal/context.hpp"

#include <dlfcn.h>

namespace wavetile::metal {
namespace {

// Metal drops a completion handler some time after it called it, and Node unloads an addon with its last worker.
void stay_loaded() {
  static const int here = 0;
  Dl_info info;
  if (dladdr(&here, &info)) dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

}  // namespace

Context::Context(PhysicalDevice physical_device)
    : physical(std::move(physical_device)), mtl_device(physical.mtl_device.get()) {
  stay_loaded();
  const ScopedPool pool;
  mtl_queue = NS::TransferPtr(mtl_device->newCommandQueue(kCommandBuffers));
  mtl_fence = NS::TransferPtr(mtl_device->newFence());
  if (!mtl_queue || !mtl_fence) {
    throw Error(ErrorCode::no_device, physical.info.name + " gives this process no command queue");
  }
  if (is_macos(15) && mtl_device->supportsFamily(MTL::GPUFamilyMetal3)) residency.open(*mtl_device, *mtl_queue.get());
}

}  // namespace wavetile::metal
