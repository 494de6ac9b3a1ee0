// Command pools and command buffers with an owner.
#pragma once
#include <memory>

#include "vulkan/context.hpp"

namespace wavetile::vulkan {

// A pool with its buffers; not thread-safe.
class CommandPool {
 public:
  explicit CommandPool(std::shared_ptr<Context> context);
  ~CommandPool();
  CommandPool(const CommandPool&) = delete;
  CommandPool& operator=(const CommandPool&) = delete;

  VkCommandBuffer allocate();
  void reset();  // all its buffers; none may be executing
  void begin(VkCommandBuffer vk_commands, VkCommandBufferUsageFlags usage);
  void end(VkCommandBuffer vk_commands);

 private:
  std::shared_ptr<Context> context_;
  VkCommandPool vk_pool_ = VK_NULL_HANDLE;
};

}  // namespace wavetile::vulkan
