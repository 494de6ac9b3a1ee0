// The backends of this build, best first.
#include "device/device.hpp"

namespace wavetile {

std::vector<Backend> backends() {
  std::vector<Backend> all;
#ifdef WAVETILE_HAS_VULKAN
  all.push_back(vulkan_backend());
#endif
#ifdef WAVETILE_HAS_METAL
  all.push_back(metal_backend());
#endif
  all.push_back(cpu_backend());
  return all;
}

}  // namespace wavetile
