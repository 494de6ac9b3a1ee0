// Device buffers and host blocks: pooled MTL::Buffers that the CPU and the GPU share.
#pragma once
#include <atomic>
#include <memory>
#include <utility>

#include "device/pool.hpp"
#include "metal/context.hpp"

namespace wavetile::metal {

// Wired for as long as it lives. Its pool keeps the context.
struct Unwire {
  Context* context;
  MTL::ResidencySet* set;
  void operator()(MTL::Buffer* buffer) const;
};
using Memory = std::unique_ptr<MTL::Buffer, Unwire>;
using MemoryPool = Pool<Memory>;

std::shared_ptr<MemoryPool> make_memory_pool(std::shared_ptr<Context> context, uint64_t limit_bytes);

class MetalBuffer final : public Buffer {
 public:
  MetalBuffer(uint64_t bytes, MemoryPool::Lease lease, const Context* owner)
      : Buffer(bytes), owner(owner), mtl_buffer(lease.memory().get()), lease_(std::move(lease)) {}

  const Context* const owner;
  MTL::Buffer* const mtl_buffer;
  std::atomic<uint64_t> last_run = 0;  // number of the last run that uses it

 private:
  MemoryPool::Lease lease_;
};

class MetalHostBlock final : public HostBlock {
 public:
  MetalHostBlock(uint64_t bytes, MemoryPool::Lease lease, const Context* owner)
      : HostBlock(static_cast<std::byte*>(lease.memory()->contents()), bytes),
        owner(owner),
        mtl_buffer(lease.memory().get()),
        lease_(std::move(lease)) {}

  const Context* const owner;
  MTL::Buffer* const mtl_buffer;

 private:
  MemoryPool::Lease lease_;
};

// Both throw std::invalid_argument for memory of another device.
MTL::Buffer* own(const Context& context, const Buffer& buffer);
MTL::Buffer* own(const Context& context, const HostBlock& block);

}  // namespace wavetile::metal
