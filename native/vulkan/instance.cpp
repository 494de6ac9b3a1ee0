// Creates instances; collects what the validation layer says.
#include "vulkan/instance.hpp"

#include <cstring>
#include <utility>

#include "device/error.hpp"

namespace wavetile::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";
constexpr size_t kMostMessages = 1000;

bool layer_present() {
  const auto layers = enumerate(VkLayerProperties{}, vkEnumerateInstanceLayerProperties);
  for (const auto& layer : layers) {
    if (std::strcmp(layer.layerName, kValidationLayer) == 0) return true;
  }
  return false;
}

bool layer_has(const char* extension) {
  const auto extensions = enumerate(VkExtensionProperties{}, [](uint32_t* count, VkExtensionProperties* data) {
    return vkEnumerateInstanceExtensionProperties(kValidationLayer, count, data);
  });
  for (const auto& present : extensions) {
    if (std::strcmp(present.extensionName, extension) == 0) return true;
  }
  return false;
}

// Synchronization validation is off by default; recent layers also need a setting to look at what shaders access.
struct ValidationRequest {
  const VkBool32 on = VK_TRUE;
  const VkValidationFeatureEnableEXT enabled = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  const VkLayerSettingEXT settings[2] = {
      {kValidationLayer, "validate_sync", VK_LAYER_SETTING_TYPE_BOOL32_EXT, 1, &on},
      {kValidationLayer, "syncval_shader_accesses_heuristic", VK_LAYER_SETTING_TYPE_BOOL32_EXT, 1, &on}};
  const VkLayerSettingsCreateInfoEXT by_settings{VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT, nullptr, 2,
                                                 settings};
  const VkValidationFeaturesEXT by_features{
      VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT, nullptr, 1, &enabled, 0, nullptr};

  void add_to(VkInstanceCreateInfo& info, std::vector<const char*>& extensions) const {
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (layer_has(VK_EXT_LAYER_SETTINGS_EXTENSION_NAME)) {
      extensions.push_back(VK_EXT_LAYER_SETTINGS_EXTENSION_NAME);
      info.pNext = &by_settings;
    } else {
      extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
      info.pNext = &by_features;
    }
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
  }
};

}  // namespace

bool loader_present() {
  static std::once_flag once;
  static bool present = false;
  std::call_once(once, [] { present = volkInitialize() == VK_SUCCESS && vkEnumerateInstanceVersion != nullptr; });
  return present;
}

std::shared_ptr<Instance> Instance::shared() {
  // Kept until the process ends: making one loads every driver, which takes up to 100 ms.
  static std::mutex mutex;
  static auto& instance = *new std::shared_ptr<Instance>();
  const std::lock_guard lock(mutex);
  if (!instance && loader_present()) {
    try {
      instance = std::make_shared<Instance>(false);
    } catch (const Error&) {
      return nullptr;
    }
  }
  return instance;
}

std::shared_ptr<Instance> Instance::with_validation() {
  if (!loader_present()) throw Error(ErrorCode::no_device, "there is no Vulkan loader", kInstallLoader);
  if (!layer_present()) {
    throw Error(ErrorCode::unsupported, std::string("validation needs the layer ") + kValidationLayer,
                "install it: Debian/Ubuntu `apt install vulkan-validationlayers`, Fedora `dnf install "
                "vulkan-validation-layers`, Arch `pacman -S vulkan-validation-layers`");
  }
  return std::make_shared<Instance>(true);
}

Instance::Instance(bool validation) {
  create(validation);
  load_functions();
  if (validation) add_messenger();
}

Instance::~Instance() {
  if (vk_messenger_) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        vkGetInstanceProcAddr(vk_instance, "vkDestroyDebugUtilsMessengerEXT"));
    destroy(vk_instance, vk_messenger_, nullptr);
  }
  functions.destroy_instance(vk_instance, nullptr);
}

void Instance::create(bool validation) {
  auto application = structure<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pApplicationName = "wavetile";
  application.pEngineName = "wavetile";
  application.apiVersion = VK_API_VERSION_1_3;
  auto info = structure<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  info.pApplicationInfo = &application;
  std::vector<const char*> extensions;
  const ValidationRequest request;
  if (validation) request.add_to(info, extensions);
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  check(vkCreateInstance(&info, nullptr, &vk_instance), "creating a Vulkan instance");
}

void Instance::load_functions() {
  const auto load = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(vkGetInstanceProcAddr(vk_instance, name));
  };
  load(functions.destroy_instance, "vkDestroyInstance");
  load(functions.enumerate_physical_devices, "vkEnumeratePhysicalDevices");
  load(functions.get_properties, "vkGetPhysicalDeviceProperties2");
  load(functions.get_features, "vkGetPhysicalDeviceFeatures2");
  load(functions.get_memory_properties, "vkGetPhysicalDeviceMemoryProperties");
  load(functions.get_queue_families, "vkGetPhysicalDeviceQueueFamilyProperties");
  load(functions.enumerate_extensions, "vkEnumerateDeviceExtensionProperties");
  load(functions.create_device, "vkCreateDevice");
  load(functions.get_cooperative_matrices, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");

  // volkLoadDeviceTable reads this global. It is the loader's own function, the same for every instance.
  static std::once_flag once;
  std::call_once(once, [&] { load(vkGetDeviceProcAddr, "vkGetDeviceProcAddr"); });
}

void Instance::add_messenger() {
  auto info = structure<VkDebugUtilsMessengerCreateInfoEXT>(VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT);
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  // Not the general type: that is the loader speaking about drivers that it could not use.
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  info.pfnUserCallback = on_message;
  info.pUserData = this;
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      vkGetInstanceProcAddr(vk_instance, "vkCreateDebugUtilsMessengerEXT"));
  check(create(vk_instance, &info, nullptr, &vk_messenger_), "creating a debug messenger");
}

VkBool32 Instance::on_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                              const VkDebugUtilsMessengerCallbackDataEXT* data, void* instance) {
  auto& self = *static_cast<Instance*>(instance);
  const std::lock_guard lock(self.mutex_);
  if (self.messages_.size() < kMostMessages) self.messages_.emplace_back(data->pMessage);
  return VK_FALSE;
}

std::vector<std::string> Instance::take_messages() {
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

}  // namespace wavetile::vulkan
