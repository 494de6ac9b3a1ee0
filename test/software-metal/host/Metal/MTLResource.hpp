// Buffers, events and fences.
#pragma once
#include "MTLTypes.hpp"

namespace MTL {

class Device;

class Resource : public NS::Referencing<Resource> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  MTL::StorageMode storageMode() const;
  MTL::ResourceOptions resourceOptions() const;
  NS::UInteger allocatedSize() const;
};

class Buffer : public NS::Referencing<Buffer, Resource> {
 public:
  NS::UInteger length() const;
  void* contents();
  void didModifyRange(NS::Range range);
  std::uint64_t gpuAddress() const;
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
