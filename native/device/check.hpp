// The native side's assertions on what it is asked to do. TypeScript checks first and says it better.
#pragma once
#include <vector>

#include "device/device.hpp"

namespace wavetile {

// Both throw std::invalid_argument that names kernel and binding.
void check_commands(const std::vector<Command>& commands, const DeviceInfo& info);
void check_request(const RunRequest& request);

}  // namespace wavetile
