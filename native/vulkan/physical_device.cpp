// Reads properties, limits, features and matrix shapes into DeviceInfo.
#include "vulkan/physical_device.hpp"

#include <algorithm>
#include <cstring>

#include "vulkan/features.hpp"
#include "vulkan/matrix_units.hpp"

namespace wavetile::vulkan {
namespace {

constexpr uint32_t kWave = 32;

struct Properties {
  VkPhysicalDeviceProperties2 core{};
  VkPhysicalDeviceVulkan11Properties v11{};
  VkPhysicalDeviceVulkan12Properties v12{};
  VkPhysicalDeviceVulkan13Properties v13{};
  VkPhysicalDevicePushDescriptorPropertiesKHR push{};

  Properties(const Instance& instance, VkPhysicalDevice vk_device, bool has_push) {
    core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES;
    v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES;
    v13.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES;
    push.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR;
    core.pNext = &v11;
    v11.pNext = &v12;
    v12.pNext = &v13;
    v13.pNext = has_push ? &push : nullptr;
    instance.functions.get_properties(vk_device, &core);
  }
};

std::string version_text(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." + std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

const char* kind_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software";
    default:
      return "virtual";
  }
}

std::string vendor_of(uint32_t id) {
  switch (id) {
    case 0x1002:
      return "AMD";
    case 0x10DE:
      return "NVIDIA";
    case 0x8086:
      return "Intel";
    case 0x13B5:
      return "Arm";
    case 0x5143:
      return "Qualcomm";
    case 0x106B:
      return "Apple";
    case VK_VENDOR_ID_MESA:
      return "Mesa";
    default:
      return "vendor " + std::to_string(id);
  }
}

void add_memory(const Instance& instance, VkPhysicalDevice vk_device, DeviceInfo& info) {
  VkPhysicalDeviceMemoryProperties memory{};
  instance.functions.get_memory_properties(vk_device, &memory);
  info.unified_memory = memory.memoryHeapCount > 0;
  for (uint32_t heap = 0; heap < memory.memoryHeapCount; ++heap) {
    const bool local = memory.memoryHeaps[heap].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
    if (local) info.memory_bytes += memory.memoryHeaps[heap].size;
    info.unified_memory = info.unified_memory && local;
  }
  info.unified_memory = info.unified_memory || info.kind == "integrated" || info.kind == "software";
}

void add_identity(const Properties& properties, PhysicalDevice& device) {
  const auto& core = properties.core.properties;
  DeviceInfo& info = device.info;
  info.backend = "vulkan";
  info.kind = kind_of(core.deviceType);
  info.name = core.deviceName;
  info.vendor = vendor_of(core.vendorID);
  info.driver = std::string(properties.v12.driverName) + " " + properties.v12.driverInfo;
  info.api_version = version_text(core.apiVersion);
  constexpr char kHex[] = "0123456789abcdef";
  device.cache_key = "vulkan-";
  const auto append = [&](const uint8_t(&uuid)[VK_UUID_SIZE]) {
    for (const uint8_t byte : uuid) (device.cache_key += kHex[byte >> 4]) += kHex[byte & 15];
    device.cache_key += '-';
  };
  append(properties.v11.deviceUUID);
  append(properties.v11.driverUUID);
  device.cache_key += std::to_string(core.driverVersion);
}

void add_limits(const Properties& properties, PhysicalDevice& device) {
  constexpr uint64_t kBindingStep = 256, kBufferStep = 2ull << 20;  // the latter as the pool rounds
  const VkPhysicalDeviceLimits& limits = properties.core.properties.limits;
  DeviceInfo& info = device.info;
  info.max_binding_bytes = limits.maxStorageBufferRange / kBindingStep * kBindingStep;
  const uint64_t buffer_bytes = std::min(properties.v13.maxBufferSize, properties.v11.maxMemoryAllocationSize);
  info.max_buffer_bytes = buffer_bytes / kBufferStep * kBufferStep;
  info.binding_alignment = std::max<uint64_t>(16, limits.minStorageBufferOffsetAlignment);
  std::copy_n(limits.maxComputeWorkGroupCount, 3, info.max_grid.begin());
  info.max_workgroup_invocations = limits.maxComputeWorkGroupInvocations;
  info.max_shared_bytes = limits.maxComputeSharedMemorySize;
  device.most_push_bytes = limits.maxPushConstantsSize;
  device.most_push_descriptors = properties.push.maxPushDescriptors;
  device.timestamp_period_ns = limits.timestampPeriod;
}

// RADV silently gives 64 for a size outside its limits, so the limits are checked here.
void add_subgroups(const Properties& properties, PhysicalDevice& device) {
  DeviceInfo& info = device.info;
  info.subgroup_size = properties.v11.subgroupSize;
  info.min_subgroup_size = properties.v13.minSubgroupSize;
  info.max_subgroup_size = properties.v13.maxSubgroupSize;
  const bool controllable = std::count(info.features.begin(), info.features.end(), "subgroupSizeControl") &&
                            std::count(info.features.begin(), info.features.end(), "computeFullSubgroups") &&
                            (properties.v13.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT);
  const bool several = info.min_subgroup_size < info.max_subgroup_size;
  if (controllable && several && info.min_subgroup_size <= kWave && kWave <= info.max_subgroup_size) {
    device.required_subgroup_size = info.subgroup_size = kWave;
  }
}

// Prefers a family without graphics: its queue is not shared with a desktop.
void add_queue(const Instance& instance, PhysicalDevice& device) {
  const auto families = enumerate(VkQueueFamilyProperties{}, [&](uint32_t* count, VkQueueFamilyProperties* data) {
    instance.functions.get_queue_families(device.vk_device, count, data);
    return VK_SUCCESS;
  });
  int best_score = 0;
  for (uint32_t index = 0; index < families.size(); ++index) {
    const VkQueueFamilyProperties& family = families[index];
    if (!(family.queueFlags & VK_QUEUE_COMPUTE_BIT) || family.queueCount == 0) continue;
    const bool compute_only = !(family.queueFlags & VK_QUEUE_GRAPHICS_BIT);
    const int score = 1 + (family.timestampValidBits ? 2 : 0) + (compute_only ? 1 : 0);
    if (score <= best_score) continue;
    best_score = score;
    device.queue_family = index;
    device.timestamp_bits = family.timestampValidBits;
  }
  device.info.timestamps = device.timestamp_bits > 0 && device.timestamp_period_ns > 0;
  if (best_score == 0) device.unusable_because = "it has no compute queue";
}

bool add_extension(const std::vector<VkExtensionProperties>& present, const char* name, PhysicalDevice& device) {
  const bool found = std::any_of(present.begin(), present.end(),
                                 [&](const auto& one) { return std::strcmp(one.extensionName, name) == 0; });
  if (found) device.extensions.push_back(name);
  return found;
}

struct Extensions {
  bool push, matrix, budget;
};

Extensions add_extensions(const Instance& instance, PhysicalDevice& device) {
  const auto present = enumerate(VkExtensionProperties{}, [&](uint32_t* count, VkExtensionProperties* data) {
    return instance.functions.enumerate_extensions(device.vk_device, nullptr, count, data);
  });
  return {add_extension(present, VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME, device),
          add_extension(present, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, device),
          add_extension(present, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, device)};
}

void add_features(const Instance& instance, const Extensions& extensions, const Properties& properties,
                  PhysicalDevice& device) {
  FeatureChain chain;
  instance.functions.get_features(device.vk_device, chain.link(extensions.matrix));
  Features features = wanted_features(chain);
  for (const std::string& name : features.missing_required) device.unusable_because = "it lacks " + name;
  if (!extensions.push) device.unusable_because = "it lacks " VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
  std::vector<std::string>& names = device.info.features;
  names = std::move(features.present);
  for (std::string& name : subgroup_features(properties.v11.subgroupSupportedOperations))
    names.push_back(std::move(name));
  if (extensions.push) names.emplace_back("pushDescriptor");
  if (extensions.budget) names.emplace_back("memoryBudget");
  if (chain.matrix.cooperativeMatrix) device.info.matrix_units = matrix_units(instance, device.vk_device);
}

PhysicalDevice inspect(const Instance& instance, VkPhysicalDevice vk_device) {
  PhysicalDevice device;
  device.vk_device = vk_device;
  auto basic = structure<VkPhysicalDeviceProperties2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
  instance.functions.get_properties(vk_device, &basic);
  if (basic.properties.apiVersion < VK_API_VERSION_1_3) {
    device.info.name = basic.properties.deviceName;
    device.unusable_because = "it offers Vulkan " + version_text(basic.properties.apiVersion) + ", 1.3 is needed";
    return device;
  }
  const Extensions extensions = add_extensions(instance, device);
  const Properties properties(instance, vk_device, extensions.push);
  add_identity(properties, device);
  add_limits(properties, device);
  add_features(instance, extensions, properties, device);
  add_subgroups(properties, device);
  add_memory(instance, vk_device, device.info);
  add_queue(instance, device);
  if (device.info.memory_bytes == 0) device.unusable_because = "it has no memory: its driver only compiles";
  return device;
}

}  // namespace

std::vector<PhysicalDevice> all_physical_devices(const Instance& instance) {
  std::vector<PhysicalDevice> devices;
  const auto handles = enumerate(VkPhysicalDevice{}, [&](uint32_t* count, VkPhysicalDevice* data) {
    return instance.functions.enumerate_physical_devices(instance.vk_instance, count, data);
  });
  for (const VkPhysicalDevice handle : handles) devices.push_back(inspect(instance, handle));
  return devices;
}

std::vector<PhysicalDevice> usable_physical_devices(const Instance& instance) {
  std::vector<PhysicalDevice> devices = all_physical_devices(instance);
  std::erase_if(devices, [](const PhysicalDevice& device) { return !device.unusable_because.empty(); });
  for (uint32_t index = 0; index < devices.size(); ++index) devices[index].info.index = index;
  return devices;
}

}  // namespace wavetile::vulkan
