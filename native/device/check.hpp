// The native side's assertions on what it is asked to do. TypeScript checks first and says it better.
#pragma once
#include <vector>

#include "device/device.hpp"

namespace wavetile {

// A device's limits as they were asked for.
DeviceInfo with_options(DeviceInfo info, const OpenOptions& options);

// Throws Error(out_of_memory) for one buffer that is larger than the device allows.
void check_buffer_bytes(uint64_t bytes, const DeviceInfo& info);

// Both throw std::invalid_argument that names kernel and binding.
void check_commands(const std::vector<Command>& commands, const DeviceInfo& info);
void check_request(const RunRequest& request);

}  // namespace wavetile
