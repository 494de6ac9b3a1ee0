// The GPUs that Metal reports and what they can do.
#pragma once
#include <string>
#include <vector>

#include "device/device.hpp"
#include "metal/api.hpp"

namespace wavetile::metal {

struct PhysicalDevice {
  NS::SharedPtr<MTL::Device> mtl_device;
  DeviceInfo info;
  std::string unusable_because;  // empty: usable
};

std::vector<PhysicalDevice> all_physical_devices();
std::vector<PhysicalDevice> usable_physical_devices();  // info.index counts these

}  // namespace wavetile::metal
