// The device, which makes everything else.
#pragma once
#include "MTLLibrary.hpp"
#include "MTLTypes.hpp"

namespace MTL {

class Device : public NS::Referencing<Device> {
 public:
  NS::String* name() const;
  std::uint64_t registryID() const;
  MTL::Size maxThreadsPerThreadgroup() const;
  bool hasUnifiedMemory() const;
  std::uint64_t recommendedMaxWorkingSetSize() const;
  NS::UInteger currentAllocatedSize() const;
  NS::UInteger maxThreadgroupMemoryLength() const;
  NS::UInteger maxBufferLength() const;
  bool supportsFamily(MTL::GPUFamily gpuFamily);
  class CommandQueue* newCommandQueue();
  class CommandQueue* newCommandQueue(NS::UInteger maxCommandBufferCount);
  class Buffer* newBuffer(NS::UInteger length, MTL::ResourceOptions options);
  class Buffer* newBuffer(const void* pointer, NS::UInteger length, MTL::ResourceOptions options);
  class Library* newLibrary(const NS::String* filepath, NS::Error** error);
  class Library* newLibrary(const NS::URL* url, NS::Error** error);
  class Library* newLibrary(const dispatch_data_t data, NS::Error** error);
  class Library* newLibrary(const NS::String* source, const class CompileOptions* options, NS::Error** error);
  class ComputePipelineState* newComputePipelineState(const class Function* computeFunction, NS::Error** error);
  class ComputePipelineState* newComputePipelineState(const class ComputePipelineDescriptor* descriptor,
                                                      MTL::PipelineOption options,
                                                      const MTL::AutoreleasedComputePipelineReflection* reflection,
                                                      NS::Error** error);
  class BinaryArchive* newBinaryArchive(const class BinaryArchiveDescriptor* descriptor, NS::Error** error);
  class ResidencySet* newResidencySet(const class ResidencySetDescriptor* desc, NS::Error** error);
  class Fence* newFence();
  class Event* newEvent();
  class SharedEvent* newSharedEvent();
};

Device* CreateSystemDefaultDevice();
NS::Array* CopyAllDevices();

}  // namespace MTL
