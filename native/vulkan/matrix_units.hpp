// The matrix shapes that a device multiplies in hardware.
#pragma once
#include <string>
#include <vector>

#include "vulkan/instance.hpp"

namespace wavetile::vulkan {

// "16x16x16 f16 f16 f32 f32": M, N, K, then the types of A, B, C and the result; those of one subgroup.
std::vector<std::string> matrix_units(const Instance& instance, VkPhysicalDevice vk_device);

}  // namespace wavetile::vulkan
