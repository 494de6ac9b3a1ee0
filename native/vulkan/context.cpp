// Opens and closes the VkDevice.
#include "vulkan/context.hpp"

#include "device/error.hpp"
#include "vulkan/features.hpp"

namespace wavetile::vulkan {

Context::Context(std::shared_ptr<Instance> instance, PhysicalDevice physical)
    : instance(std::move(instance)), physical(std::move(physical)) {
  create_device();
  try {
    create_allocator();
  } catch (...) {
    vk.vkDestroyDevice(vk_device, nullptr);
    throw;
  }
}

Context::~Context() {
  vmaDestroyAllocator(vma);
  vk.vkDestroyDevice(vk_device, nullptr);
}

void Context::create_device() {
  FeatureChain features;
  bool has_matrix = false;
  for (const std::string& name : physical.info.features) has_matrix = has_matrix || name == "cooperativeMatrix";
  auto* chain = features.link(has_matrix);
  enable(features, physical.info.features);

  const float priority = 1.0F;
  auto queue = structure<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queue.queueFamilyIndex = physical.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;

  auto info = structure<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
  info.pNext = chain;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(physical.extensions.size());
  info.ppEnabledExtensionNames = physical.extensions.data();
  vulkan::check(instance->functions.create_device(physical.vk_device, &info, nullptr, &vk_device),
                "opening the Vulkan device");
  volkLoadDeviceTable(&vk, vk_device);
  vk.vkGetDeviceQueue(vk_device, physical.queue_family, 0, &vk_queue);
}

void Context::create_allocator() {
  VmaVulkanFunctions functions{};
  functions.vkGetInstanceProcAddr = vkGetInstanceProcAddr;
  functions.vkGetDeviceProcAddr = vkGetDeviceProcAddr;
  VmaAllocatorCreateInfo info{};
  info.physicalDevice = physical.vk_device;
  info.device = vk_device;
  info.instance = instance->vk_instance;
  info.pVulkanFunctions = &functions;
  info.vulkanApiVersion = VK_API_VERSION_1_3;
  for (const std::string& name : physical.info.features) {
    if (name == "memoryBudget") info.flags |= VMA_ALLOCATOR_CREATE_EXT_MEMORY_BUDGET_BIT;
  }
  check(vmaCreateAllocator(&info, &vma), "creating the memory allocator");
}

void Context::check(VkResult result, const char* what) {
  if (result == VK_ERROR_DEVICE_LOST) lost = true;
  throw_if_lost();
  vulkan::check(result, what);
}

void Context::throw_if_lost() const {
  if (!lost) return;
  throw Error(ErrorCode::device_lost, physical.info.name + " was lost: its driver reset it or it was removed",
              "open the device again; if it happens again, look for the driver's message in the system log");
}

}  // namespace wavetile::vulkan
