// A run's own command buffers: uploads before the program, readbacks after it. Recycled from run to run.
#pragma once
#include <memory>
#include <vector>

#include "device/device.hpp"
#include "vulkan/commands.hpp"

namespace wavetile::vulkan {

class Transfers {
 public:
  explicit Transfers(std::shared_ptr<Context> context);

  void record_uploads(const std::vector<Upload>& uploads);
  void record_readbacks(const std::vector<BufferRange>& ranges, const std::vector<std::shared_ptr<HostBlock>>& blocks);
  void reset();  // when the run has ended

  // Null when there was nothing to record.
  VkCommandBuffer before() const { return before_used_ ? vk_before_ : VK_NULL_HANDLE; }
  VkCommandBuffer after() const { return after_used_ ? vk_after_ : VK_NULL_HANDLE; }

 private:
  std::shared_ptr<Context> context_;
  CommandPool pool_;
  VkCommandBuffer vk_before_, vk_after_;
  bool before_used_ = false, after_used_ = false;
};

}  // namespace wavetile::vulkan
