// The loader and the VkInstance: one for the process, and one of its own for each device opened with validation.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vulkan/api.hpp"

namespace wavetile::vulkan {

bool loader_present();

struct InstanceFunctions {
  PFN_vkDestroyInstance destroy_instance;
  PFN_vkEnumeratePhysicalDevices enumerate_physical_devices;
  PFN_vkGetPhysicalDeviceProperties2 get_properties;
  PFN_vkGetPhysicalDeviceFeatures2 get_features;
  PFN_vkGetPhysicalDeviceMemoryProperties get_memory_properties;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties get_queue_families;
  PFN_vkEnumerateDeviceExtensionProperties enumerate_extensions;
  PFN_vkCreateDevice create_device;
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get_cooperative_matrices;  // may be null
};

class Instance {
 public:
  static std::shared_ptr<Instance> shared();           // nullptr: no loader or no driver
  static std::shared_ptr<Instance> with_validation();  // throws when the layer or the loader is missing

  explicit Instance(bool validation);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  std::vector<std::string> take_messages();

  VkInstance vk_instance = VK_NULL_HANDLE;
  InstanceFunctions functions{};

 private:
  void create(bool validation);
  void load_functions();
  void add_messenger();
  static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                   VkDebugUtilsMessageTypeFlagsEXT types,
                                                   const VkDebugUtilsMessengerCallbackDataEXT* data, void* instance);

  VkDebugUtilsMessengerEXT vk_messenger_ = VK_NULL_HANDLE;
  std::mutex mutex_;
  std::vector<std::string> messages_;
};

}  // namespace wavetile::vulkan
