// Command buffers and their queue.
#pragma once
#include "MTLTypes.hpp"

namespace MTL {

class CommandBuffer;
using HandlerFunction = std::function<void(CommandBuffer*)>;

class CommandBuffer : public NS::Referencing<CommandBuffer> {
 public:
  class Device* device() const;
  class CommandQueue* commandQueue() const;
  NS::String* label() const;
  void setLabel(const NS::String* label);
  void addScheduledHandler(const HandlerFunction& function);
  void addCompletedHandler(const HandlerFunction& function);
  CFTimeInterval GPUStartTime() const;
  CFTimeInterval GPUEndTime() const;
  CFTimeInterval kernelStartTime() const;
  CFTimeInterval kernelEndTime() const;
  void enqueue();
  void commit();
  void waitUntilScheduled();
  void waitUntilCompleted();
  MTL::CommandBufferStatus status() const;
  NS::Error* error() const;
  class BlitCommandEncoder* blitCommandEncoder();
  class ComputeCommandEncoder* computeCommandEncoder();
  class ComputeCommandEncoder* computeCommandEncoder(MTL::DispatchType dispatchType);
  void encodeWait(const class Event* event, std::uint64_t value);
  void encodeSignalEvent(const class Event* event, std::uint64_t value);
  void pushDebugGroup(const NS::String* string);
  void popDebugGroup();
};

class CommandQueue : public NS::Referencing<CommandQueue> {
 public:
  NS::String* label() const;
  void setLabel(const NS::String* label);
  class Device* device() const;
  class CommandBuffer* commandBuffer();
  class CommandBuffer* commandBufferWithUnretainedReferences();
  void addResidencySet(const class ResidencySet* residencySet);
};

}  // namespace MTL
