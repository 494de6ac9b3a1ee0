// Encoders of compute and copy commands.
#pragma once
#include "MTLTypes.hpp"

namespace MTL {

class CommandEncoder : public NS::Referencing<CommandEncoder> {
 public:
  class Device* device() const;
  NS::String* label() const;
  void setLabel(const NS::String* label);
  void endEncoding();
  void pushDebugGroup(const NS::String* string);
  void popDebugGroup();
};

class ComputeCommandEncoder : public NS::Referencing<ComputeCommandEncoder, CommandEncoder> {
 public:
  MTL::DispatchType dispatchType() const;
  void setComputePipelineState(const class ComputePipelineState* state);
  void setBytes(const void* bytes, NS::UInteger length, NS::UInteger index);
  void setBuffer(const class Buffer* buffer, NS::UInteger offset, NS::UInteger index);
  void setBufferOffset(NS::UInteger offset, NS::UInteger index);
  void setBuffers(const class Buffer* const buffers[], const NS::UInteger offsets[], NS::Range range);
  void setThreadgroupMemoryLength(NS::UInteger length, NS::UInteger index);
  void dispatchThreadgroups(MTL::Size threadgroupsPerGrid, MTL::Size threadsPerThreadgroup);
  void dispatchThreadgroups(const class Buffer* indirectBuffer, NS::UInteger indirectBufferOffset,
                            MTL::Size threadsPerThreadgroup);
  void dispatchThreads(MTL::Size threadsPerGrid, MTL::Size threadsPerThreadgroup);
  void updateFence(const class Fence* fence);
  void waitForFence(const class Fence* fence);
  void useResource(const class Resource* resource, MTL::ResourceUsage usage);
  void memoryBarrier(MTL::BarrierScope scope);
  void memoryBarrier(const class Resource* const resources[], NS::UInteger count);
};

class BlitCommandEncoder : public NS::Referencing<BlitCommandEncoder, CommandEncoder> {
 public:
  void fillBuffer(const class Buffer* buffer, NS::Range range, std::uint8_t value);
  void copyFromBuffer(const class Buffer* sourceBuffer, NS::UInteger sourceOffset,
                      const class Buffer* destinationBuffer, NS::UInteger destinationOffset, NS::UInteger size);
  void updateFence(const class Fence* fence);
  void waitForFence(const class Fence* fence);
};

}  // namespace MTL
