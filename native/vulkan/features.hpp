// Optional features of a device: which are there, which we enable, and what a kernel's SPIR-V asks for.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "device/kernel.hpp"
#include "vulkan/api.hpp"

namespace wavetile::vulkan {

// The feature structures that we look at, as one pNext chain.
struct FeatureChain {
  VkPhysicalDeviceFeatures2 core{};
  VkPhysicalDeviceVulkan11Features v11{};
  VkPhysicalDeviceVulkan12Features v12{};
  VkPhysicalDeviceVulkan13Features v13{};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix{};

  VkPhysicalDeviceFeatures2* link(bool has_matrix_extension);
};

struct Features {
  std::vector<std::string> present;           // of those we enable when they are there
  std::vector<std::string> missing_required;  // then the device is of no use
};
Features wanted_features(FeatureChain& device);

// A chain with only `names` on.
void enable(FeatureChain& chain, const std::vector<std::string>& names);

std::vector<std::string> subgroup_features(VkSubgroupFeatureFlags operations);

// Throws Error(unsupported) that names the kernel and what the device lacks.
void require_features(const Kernel& kernel, const std::vector<std::string>& present, const std::string& device_name);

}  // namespace wavetile::vulkan
