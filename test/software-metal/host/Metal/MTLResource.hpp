// Buffers, sets of them that stay wired, events and fences.
#pragma once
#include "MTLTypes.hpp"

namespace MTL {

class Device;

class Allocation : public NS::Referencing<Allocation> {
 public:
  NS::UInteger allocatedSize() const;
};

class Resource : public NS::Referencing<Resource, Allocation> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  MTL::StorageMode storageMode() const;
  MTL::ResourceOptions resourceOptions() const;
};

class Buffer : public NS::Referencing<Buffer, Resource> {
 public:
  NS::UInteger length() const;
  void* contents();
  void didModifyRange(NS::Range range);
  std::uint64_t gpuAddress() const;
};

class ResidencySetDescriptor : public NS::Copying<ResidencySetDescriptor> {
 public:
  static ResidencySetDescriptor* alloc();
  ResidencySetDescriptor* init();
  void setInitialCapacity(NS::UInteger initialCapacity);
};

class ResidencySet : public NS::Referencing<ResidencySet> {
 public:
  void addAllocation(const MTL::Allocation* allocation);
  void removeAllocation(const MTL::Allocation* allocation);
  void commit();
  void requestResidency();
  std::uint64_t allocatedSize() const;
  void endResidency();
};

class Event : public NS::Referencing<Event> {
 public:
  class Device* device() const;
  NS::String* label() const;
  void setLabel(const NS::String* label);
};

class SharedEvent : public NS::Referencing<SharedEvent, Event> {
 public:
  std::uint64_t signaledValue() const;
  void setSignaledValue(std::uint64_t signaledValue);
  bool waitUntilSignaledValue(std::uint64_t value, std::uint64_t milliseconds);
};

class Fence : public NS::Referencing<Fence> {
 public:
  class Device* device() const;
};

}  // namespace MTL
