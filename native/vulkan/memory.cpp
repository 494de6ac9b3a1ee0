// Allocates from VMA, within what the heaps have left.
#include "vulkan/memory.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace wavetile::vulkan {
namespace {

struct HeapSpace {
  uint64_t largest = 0, total = 0;  // free bytes of the heaps asked about
};

HeapSpace free_space(const Context& context, bool device_local) {
  const VkPhysicalDeviceMemoryProperties* memory = nullptr;
  vmaGetMemoryProperties(context.vma, &memory);
  std::array<VmaBudget, VK_MAX_MEMORY_HEAPS> budgets{};
  vmaGetHeapBudgets(context.vma, budgets.data());
  HeapSpace space;
  for (uint32_t heap = 0; heap < memory->memoryHeapCount; ++heap) {
    if (device_local && !(memory->memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)) continue;
    const uint64_t size = std::min(budgets[heap].budget, memory->memoryHeaps[heap].size);
    // Empty parts of VMA's blocks count as used by the process, but are ours to allocate from. And what a software
    // driver has promised counts, even though the system has not had to give it yet.
    const uint64_t ours = budgets[heap].statistics.allocationBytes;
    const uint64_t kept = budgets[heap].statistics.blockBytes - ours;
    const uint64_t used = std::max(ours, budgets[heap].usage - std::min(budgets[heap].usage, kept));
    const uint64_t free = size - std::min(size, used);
    space.largest = std::max(space.largest, free);
    space.total += free;
  }
  return space;
}

VmaAllocationCreateInfo allocation_info(PoolKind kind) {
  VmaAllocationCreateInfo info{};
  if (kind == PoolKind::device) {
    info.usage = VMA_MEMORY_USAGE_AUTO_PREFER_DEVICE;
    info.requiredFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;  // full is an error, not a slow buffer across PCIe
  } else {
    info.usage = VMA_MEMORY_USAGE_AUTO_PREFER_HOST;
    info.flags = VMA_ALLOCATION_CREATE_HOST_ACCESS_RANDOM_BIT | VMA_ALLOCATION_CREATE_MAPPED_BIT;
    info.preferredFlags = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  }
  return info;
}

std::optional<Memory> allocate(Context& context, PoolKind kind, uint64_t bytes) {
  context.throw_if_lost();
  // Asked here and not of the driver: a software driver would promise more than there is.
  if (bytes > free_space(context, kind == PoolKind::device).largest) return std::nullopt;
  auto buffer = structure<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  buffer.size = bytes;
  buffer.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  if (kind == PoolKind::device) {
    buffer.usage |= VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
  }
  const VmaAllocationCreateInfo info = allocation_info(kind);
  VkBuffer vk_buffer = VK_NULL_HANDLE;
  VmaAllocation allocation = VK_NULL_HANDLE;
  VmaAllocationInfo made{};
  const VkResult result = vmaCreateBuffer(context.vma, &buffer, &info, &vk_buffer, &allocation, &made);
  if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) return std::nullopt;
  context.check(result, "allocating memory");
  return Memory(context.vma, vk_buffer, allocation, static_cast<std::byte*>(made.pMappedData));
}

template <class Ours, class Theirs>
const Ours& checked(const Context& context, const Theirs& theirs) {
  const auto* ours = dynamic_cast<const Ours*>(&theirs);
  if (!ours || ours->owner != &context) throw std::invalid_argument("memory of another device");
  return *ours;
}

}  // namespace

std::shared_ptr<MemoryPool> make_memory_pool(std::shared_ptr<Context> context, uint64_t limit_bytes) {
  MemoryPool::System system;
  system.allocate = [context](PoolKind kind, uint64_t bytes) { return allocate(*context, kind, bytes); };
  system.free_bytes = [context] {
    vmaSetCurrentFrameIndex(context->vma, 0);  // asks the driver for fresh budgets
    return free_space(*context, true).total;
  };
  // Enough to keep between two jobs, without hoarding what other processes could use.
  const uint64_t kept_bytes = context->physical.info.memory_bytes / 2;
  return std::make_shared<MemoryPool>(std::move(system), PoolLimits{limit_bytes, kept_bytes});
}

const VulkanBuffer& own(const Context& context, const Buffer& buffer) { return checked<VulkanBuffer>(context, buffer); }

const VulkanHostBlock& own(const Context& context, const HostBlock& block) {
  return checked<VulkanHostBlock>(context, block);
}

}  // namespace wavetile::vulkan
