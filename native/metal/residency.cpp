// Memory goes to the smallest of some sets, which the queue has from its beginning.
#include "metal/residency.hpp"

#include <algorithm>

namespace wavetile::metal {
namespace {

// A queue takes 32. One would not do: macOS 27 wires a whole set again when something on the screen took a part of it.
constexpr size_t kSets = 16;

}  // namespace

void Residency::open(MTL::Device& device, MTL::CommandQueue& queue) {
  const auto descriptor = NS::TransferPtr(MTL::ResidencySetDescriptor::alloc()->init());
  while (mtl_sets_.size() < kSets) {
    const auto set = NS::TransferPtr(device.newResidencySet(descriptor.get(), nullptr));
    if (!set) return;
    queue.addResidencySet(set.get());
    mtl_sets_.push_back(set);
  }
}

MTL::ResidencySet* Residency::add(const MTL::Buffer* buffer) {
  if (mtl_sets_.empty()) return nullptr;
  const std::lock_guard lock(mutex_);
  MTL::ResidencySet* set =
      std::ranges::min_element(mtl_sets_, {}, [](const auto& one) { return one->allocatedSize(); })->get();
  set->addAllocation(buffer);
  set->commit();
  set->requestResidency();  // for what was just added
  return set;
}

void Residency::remove(MTL::ResidencySet* set, const MTL::Buffer* buffer) {
  if (!set) return;
  const std::lock_guard lock(mutex_);
  set->removeAllocation(buffer);
  set->commit();
}

}  // namespace wavetile::metal
