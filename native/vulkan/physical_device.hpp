// The GPUs that the drivers report and what they can do.
#pragma once
#include <string>
#include <vector>

#include "device/device.hpp"
#include "vulkan/instance.hpp"

namespace wavetile::vulkan {

struct PhysicalDevice {
  VkPhysicalDevice vk_device = VK_NULL_HANDLE;
  DeviceInfo info;
  std::string unusable_because;  // empty: usable
  uint32_t queue_family = 0;
  uint32_t required_subgroup_size = 0;  // 32 where it can be asked for and is not the only one; 0: none
  uint32_t most_push_bytes = 0, most_push_descriptors = 0;
  uint32_t timestamp_bits = 0;
  double timestamp_period_ns = 0;
  std::vector<const char*> extensions;  // to enable
  std::string cache_key;                // changes with GPU and driver version
};

std::vector<PhysicalDevice> all_physical_devices(const Instance& instance);
std::vector<PhysicalDevice> usable_physical_devices(const Instance& instance);  // info.index counts these

}  // namespace wavetile::vulkan
