// The VkDevice with what everything made from it needs: functions, queue, allocator, and whether it was lost.
#pragma once
#include <atomic>
#include <memory>

#include "vulkan/physical_device.hpp"
#include "vulkan/vma.hpp"

namespace wavetile::vulkan {

// Every object of a device holds a reference, so the VkDevice goes last, whatever the order of disposal.
class Context {
 public:
  Context(std::shared_ptr<Instance> instance, PhysicalDevice physical);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Like vulkan::check, and remembers a lost device.
  void check(VkResult result, const char* what);
  void throw_if_lost() const;

  const std::shared_ptr<Instance> instance;
  const PhysicalDevice physical;
  VkDevice vk_device = VK_NULL_HANDLE;
  VkQueue vk_queue = VK_NULL_HANDLE;
  VmaAllocator vma = VK_NULL_HANDLE;
  VolkDeviceTable vk{};
  std::atomic<bool> lost = false;

 private:
  void create_device();
  void create_allocator();
};

}  // namespace wavetile::vulkan
