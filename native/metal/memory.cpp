// Allocates within what the system recommends: beyond it the GPU's work would be paged.
#include "metal/memory.hpp"

#include <stdexcept>

namespace wavetile::metal {
namespace {

// Hazards are ours to see to: Metal would put barriers between whole buffers.
const MTL::ResourceOptions kOptions = MTL::ResourceStorageModeShared | MTL::ResourceHazardTrackingModeUntracked;

uint64_t free_bytes(const Context& context) {
  const uint64_t most = context.mtl_device->recommendedMaxWorkingSetSize();
  const uint64_t used = context.mtl_device->currentAllocatedSize();
  return most - std::min(most, used);
}

std::optional<Memory> allocate(Context& context, uint64_t bytes) {
  context.throw_if_lost();
  const ScopedPool pool;
  if (bytes > free_bytes(context)) return std::nullopt;
  MTL::Buffer* buffer = context.mtl_device->newBuffer(bytes, kOptions);
  if (!buffer) return std::nullopt;
  return Memory(buffer, {&context, context.residency.add(buffer)});
}

template <class Ours, class Theirs>
MTL::Buffer* checked(const Context& context, const Theirs& theirs) {
  const auto* ours = dynamic_cast<const Ours*>(&theirs);
  if (!ours || ours->owner != &context) throw std::invalid_argument("memory of another device");
  return ours->mtl_buffer;
}

}  // namespace

void Unwire::operator()(MTL::Buffer* buffer) const {
  const ScopedPool pool;
  context->residency.remove(set, buffer);
  buffer->release();
}

std::shared_ptr<MemoryPool> make_memory_pool(std::shared_ptr<Context> context, uint64_t limit_bytes) {
  MemoryPool::System system;
  system.allocate = [context](PoolKind, uint64_t bytes) { return allocate(*context, bytes); };
  system.free_bytes = [context] { return free_bytes(*context); };
  // Enough to keep between two jobs, without hoarding what other processes could use.
  const uint64_t kept_bytes = context->physical.info.memory_bytes / 2;
  return std::make_shared<MemoryPool>(std::move(system), PoolLimits{limit_bytes, kept_bytes});
}

MTL::Buffer* own(const Context& context, const Buffer& buffer) { return checked<MetalBuffer>(context, buffer); }

MTL::Buffer* own(const Context& context, const HostBlock& block) { return checked<MetalHostBlock>(context, block); }

}  // namespace wavetile::metal
