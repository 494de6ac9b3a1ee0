// The table of features and the table of SPIR-V capabilities that need them.
#include "vulkan/features.hpp"

#include <algorithm>

#include "device/error.hpp"

namespace wavetile::vulkan {
namespace {

struct Wanted {
  const char* name;
  VkBool32& (*flag)(FeatureChain&);
  bool required = false;
};

#define FEATURE(part, name) #name, [](FeatureChain & chain) -> VkBool32& { return chain.part.name; }

const Wanted kWanted[] = {
    {FEATURE(v12, timelineSemaphore), true},
    {FEATURE(v13, synchronization2), true},
    {FEATURE(v13, maintenance4), true},
    {FEATURE(v13, subgroupSizeControl)},
    {FEATURE(v13, computeFullSubgroups)},
    {FEATURE(v13, shaderIntegerDotProduct)},
    {FEATURE(v12, shaderFloat16)},
    {FEATURE(v12, shaderInt8)},
    {FEATURE(core.features, shaderInt16)},
    {FEATURE(core.features, shaderInt64)},
    {FEATURE(v11, storageBuffer16BitAccess)},
    {FEATURE(v12, storageBuffer8BitAccess)},
    {FEATURE(v12, vulkanMemoryModel)},
    {FEATURE(v12, vulkanMemoryModelDeviceScope)},
    {FEATURE(matrix, cooperativeMatrix)},
};
#undef FEATURE

struct Capability {
  uint32_t number;  // in the SPIR-V specification
  const char* feature;
};
constexpr Capability kCapabilities[] = {
    {9, "shaderFloat16"},
    {11, "shaderInt64"},
    {22, "shaderInt16"},
    {39, "shaderInt8"},
    {61, "subgroupBasic"},
    {62, "subgroupVote"},
    {63, "subgroupArithmetic"},
    {64, "subgroupBallot"},
    {65, "subgroupShuffle"},
    {66, "subgroupShuffleRelative"},
    {67, "subgroupClustered"},
    {68, "subgroupQuad"},
    {4433, "storageBuffer16BitAccess"},
    {4448, "storageBuffer8BitAccess"},
    {5345, "vulkanMemoryModel"},
    {5346, "vulkanMemoryModelDeviceScope"},
    {6016, "shaderIntegerDotProduct"},
    {6017, "shaderIntegerDotProduct"},
    {6018, "shaderIntegerDotProduct"},
    {6019, "shaderIntegerDotProduct"},
    {6022, "cooperativeMatrix"},
};

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

VkPhysicalDeviceFeatures2* FeatureChain::link(bool has_matrix_extension) {
  core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES;
  v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES;
  matrix.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
  core.pNext = &v11;
  v11.pNext = &v12;
  v12.pNext = &v13;
  v13.pNext = has_matrix_extension ? &matrix : nullptr;
  return &core;
}

Features wanted_features(FeatureChain& device) {
  Features features;
  for (const Wanted& wanted : kWanted) {
    if (wanted.flag(device)) {
      features.present.emplace_back(wanted.name);
    } else if (wanted.required) {
      features.missing_required.emplace_back(wanted.name);
    }
  }
  return features;
}

void enable(FeatureChain& chain, const std::vector<std::string>& names) {
  for (const Wanted& wanted : kWanted) wanted.flag(chain) = contains(names, wanted.name);
}

std::vector<std::string> subgroup_features(VkSubgroupFeatureFlags operations) {
  constexpr const char* kByBit[] = {"subgroupBasic",     "subgroupVote",    "subgroupArithmetic",
                                    "subgroupBallot",    "subgroupShuffle", "subgroupShuffleRelative",
                                    "subgroupClustered", "subgroupQuad"};
  std::vector<std::string> names;
  for (uint32_t bit = 0; bit < std::size(kByBit); ++bit) {
    if (operations >> bit & 1) names.emplace_back(kByBit[bit]);
  }
  return names;
}

void require_features(const Kernel& kernel, const std::vector<std::string>& present, const std::string& device_name) {
  constexpr size_t kHeaderWords = 5;
  constexpr uint32_t kOpCapability = 17;
  // Capabilities are a module's first instructions, two words each.
  for (size_t word = kHeaderWords; word + 1 < kernel.spirv.size(); word += 2) {
    if ((kernel.spirv[word] & 0xFFFF) != kOpCapability) return;
    for (const Capability& capability : kCapabilities) {
      if (capability.number != kernel.spirv[word + 1] || contains(present, capability.feature)) continue;
      throw Error(ErrorCode::unsupported, "kernel " + std::string(kernel.name) + " needs " + capability.feature +
                                              ", which " + device_name + " does not have");
    }
  }
}

}  // namespace wavetile::vulkan
