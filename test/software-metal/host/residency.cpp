// Residency sets: what they hold stays wired, once that was committed and asked for.
#include "resources.hpp"

namespace software_metal {

ResidencySet::~ResidencySet() {
  if (!wanted.empty()) misuse("a residency set ends with %zu allocations in it", wanted.size());
}

bool ResidencySet::keeps(const Buffer* buffer) {
  std::lock_guard lock(mutex);
  return is_requested && committed.count(buffer);
}

namespace {

struct ResidencySetDescriptor : MTL::ResidencySetDescriptor {};

}  // namespace
}  // namespace software_metal

namespace MTL {

using software_metal::as;
using software_metal::require_macos;
using Set = software_metal::ResidencySet;

ResidencySetDescriptor* ResidencySetDescriptor::alloc() {
  require_macos(15, "MTLResidencySetDescriptor");
  return new software_metal::ResidencySetDescriptor;
}
ResidencySetDescriptor* ResidencySetDescriptor::init() { return this; }
void ResidencySetDescriptor::setInitialCapacity(NS::UInteger) {}

ResidencySet* Device::newResidencySet(const ResidencySetDescriptor*, NS::Error**) {
  if (!supportsFamily(GPUFamilyMetal3)) software_metal::misuse("residency sets need the family Metal3");
  return new Set;
}

void ResidencySet::addAllocation(const Allocation* allocation) {
  std::lock_guard lock(as<Set>(this)->mutex);
  as<Set>(this)->wanted.emplace(allocation, NS::RetainPtr<NS::Object>(as<NS::Object>(allocation)));
}
void ResidencySet::removeAllocation(const Allocation* allocation) {
  std::lock_guard lock(as<Set>(this)->mutex);
  as<Set>(this)->wanted.erase(allocation);
}
void ResidencySet::commit() {
  std::lock_guard lock(as<Set>(this)->mutex);
  as<Set>(this)->committed = as<Set>(this)->wanted;
}
uint64_t ResidencySet::allocatedSize() const {
  std::lock_guard lock(as<Set>(this)->mutex);
  uint64_t bytes = 0;
  for (const auto& [allocation, held] : as<Set>(this)->committed)
    bytes += static_cast<const software_metal::Buffer*>(allocation)->mapped_bytes();
  return bytes;
}
void ResidencySet::requestResidency() {
  std::lock_guard lock(as<Set>(this)->mutex);
  as<Set>(this)->is_requested = true;
}
void ResidencySet::endResidency() {
  std::lock_guard lock(as<Set>(this)->mutex);
  as<Set>(this)->is_requested = false;
}

}  // namespace MTL
