// Thin wrappers that check results.
#include "vulkan/commands.hpp"

namespace wavetile::vulkan {

CommandPool::CommandPool(std::shared_ptr<Context> context) : context_(std::move(context)) {
  auto info = structure<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  info.queueFamilyIndex = context_->physical.queue_family;
  context_->check(context_->vk.vkCreateCommandPool(context_->vk_device, &info, nullptr, &vk_pool_),
                  "creating a command pool");
}

CommandPool::~CommandPool() { context_->vk.vkDestroyCommandPool(context_->vk_device, vk_pool_, nullptr); }

VkCommandBuffer CommandPool::allocate() {
  auto info = structure<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  info.commandPool = vk_pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer vk_commands = VK_NULL_HANDLE;
  context_->check(context_->vk.vkAllocateCommandBuffers(context_->vk_device, &info, &vk_commands),
                  "allocating a command buffer");
  return vk_commands;
}

void CommandPool::reset() {
  context_->check(context_->vk.vkResetCommandPool(context_->vk_device, vk_pool_, 0), "resetting a command pool");
}

void CommandPool::begin(VkCommandBuffer vk_commands, VkCommandBufferUsageFlags usage) {
  auto info = structure<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  info.flags = usage;
  context_->check(context_->vk.vkBeginCommandBuffer(vk_commands, &info), "recording");
}

void CommandPool::end(VkCommandBuffer vk_commands) {
  context_->check(context_->vk.vkEndCommandBuffer(vk_commands), "recording");
}

}  // namespace wavetile::vulkan
