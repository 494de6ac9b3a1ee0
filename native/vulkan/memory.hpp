// Device buffers and host blocks: pooled VkBuffers with memory of their own.
#pragma once
#include <memory>
#include <optional>
#include <utility>

#include "device/pool.hpp"
#include "vulkan/context.hpp"

namespace wavetile::vulkan {

// One VkBuffer and its allocation. The pool's context outlives it.
class Memory {
 public:
  Memory(VmaAllocator vma, VkBuffer vk_buffer, VmaAllocation allocation, std::byte* mapped)
      : vk_buffer(vk_buffer), allocation(allocation), mapped(mapped), vma_(vma) {}
  Memory(Memory&& other) noexcept
      : vk_buffer(std::exchange(other.vk_buffer, VK_NULL_HANDLE)),
        allocation(other.allocation),
        mapped(other.mapped),
        vma_(other.vma_) {}
  Memory& operator=(Memory&&) = delete;
  ~Memory() {
    if (vk_buffer) vmaDestroyBuffer(vma_, vk_buffer, allocation);
  }

  VkBuffer vk_buffer;
  VmaAllocation allocation;
  std::byte* mapped;  // null: not reachable by the host

 private:
  VmaAllocator vma_;
};

using MemoryPool = Pool<Memory>;

std::shared_ptr<MemoryPool> make_memory_pool(std::shared_ptr<Context> context, uint64_t limit_bytes);

class VulkanBuffer final : public Buffer {
 public:
  VulkanBuffer(uint64_t bytes, MemoryPool::Lease lease, const Context* owner)
      : Buffer(bytes), owner(owner), vk_buffer(lease.memory().vk_buffer), lease_(std::move(lease)) {}

  const Context* const owner;
  const VkBuffer vk_buffer;

 private:
  MemoryPool::Lease lease_;
};

class VulkanHostBlock final : public HostBlock {
 public:
  VulkanHostBlock(uint64_t bytes, MemoryPool::Lease lease, const Context* owner)
      : HostBlock(lease.memory().mapped, bytes),
        owner(owner),
        vk_buffer(lease.memory().vk_buffer),
        allocation(lease.memory().allocation),
        lease_(std::move(lease)) {}

  const Context* const owner;
  const VkBuffer vk_buffer;
  const VmaAllocation allocation;

 private:
  MemoryPool::Lease lease_;
};

// Both throw std::invalid_argument for memory of another device.
const VulkanBuffer& own(const Context& context, const Buffer& buffer);
const VulkanHostBlock& own(const Context& context, const HostBlock& block);

}  // namespace wavetile::vulkan
