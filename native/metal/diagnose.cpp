// What `wavetile doctor` says about Metal: the devices, and why one cannot be used.
#include "metal/device.hpp"

namespace wavetile::metal {

std::vector<std::string> diagnose() {
  std::vector<std::string> lines;
  for (const PhysicalDevice& device : all_physical_devices()) {
    const DeviceInfo& info = device.info;
    lines.push_back("device: " + info.name +
                    (device.unusable_because.empty() ? " (" + info.kind + ", " + info.driver + ")"
                                                     : " cannot be used: " + device.unusable_because));
  }
  if (lines.empty()) lines.emplace_back("Metal: the system shows this process no GPU");
  return lines;
}

}  // namespace wavetile::metal
