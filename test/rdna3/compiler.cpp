// Pipelines with VK_KHR_pipeline_executable_properties: what the driver made of a shader.
#include "compiler.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

namespace {

constexpr uint32_t binding_count = 16, params_bytes = 128;

void check(VkResult result, const char* call) {
  if (result < 0) throw std::runtime_error(std::string(call) + " failed with VkResult " + std::to_string(result));
}
#define CHECK(call) check(call, #call)

VkInstance create_instance() {
  CHECK(volkInitialize());
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_3;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  VkInstance vk_instance;
  CHECK(vkCreateInstance(&info, nullptr, &vk_instance));
  volkLoadInstance(vk_instance);
  return vk_instance;
}

void read_statistics(VkDevice vk_device, const VkPipelineExecutableInfoKHR& executable, Compilation& result) {
  uint32_t count = 0;
  CHECK(vkGetPipelineExecutableStatisticsKHR(vk_device, &executable, &count, nullptr));
  std::vector<VkPipelineExecutableStatisticKHR> statistics(count,
                                                           {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR});
  CHECK(vkGetPipelineExecutableStatisticsKHR(vk_device, &executable, &count, statistics.data()));
  for (const auto& statistic : statistics) result.statistics[statistic.name] = statistic.value.u64;
}

void read_assembly(VkDevice vk_device, const VkPipelineExecutableInfoKHR& executable, Compilation& result) {
  const auto get = vkGetPipelineExecutableInternalRepresentationsKHR;
  uint32_t count = 0;
  CHECK(get(vk_device, &executable, &count, nullptr));
  std::vector<VkPipelineExecutableInternalRepresentationKHR> forms(
      count, {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR});
  CHECK(get(vk_device, &executable, &count, forms.data()));
  std::vector<std::string> texts(count);
  for (uint32_t i = 0; i < count; i++) {
    texts[i].resize(forms[i].dataSize);
    forms[i].pData = texts[i].data();
  }
  CHECK(get(vk_device, &executable, &count, forms.data()));
  for (uint32_t i = 0; i < count; i++) {
    if (std::strcmp(forms[i].name, "Assembly") == 0) result.assembly = texts[i].c_str();
  }
}

}  // namespace

Compiler::Compiler() {
  VkInstance vk_instance = create_instance();
  uint32_t count = 1;
  vkEnumeratePhysicalDevices(vk_instance, &count, &vk_physical_device_);
  if (count == 0) throw std::runtime_error("no Vulkan device");
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(vk_physical_device_, &properties);
  name_ = properties.deviceName;
  create_device();
}

void Compiler::create_device() {
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR executables{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR};
  VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &executables};
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &features13};
  VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &features12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features11};
  vkGetPhysicalDeviceFeatures2(vk_physical_device_, &features);
  features.features.robustBufferAccess = VK_FALSE;

  const std::array extensions{VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME,
                              VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME};
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = extensions.size();
  info.ppEnabledExtensionNames = extensions.data();
  CHECK(vkCreateDevice(vk_physical_device_, &info, nullptr, &vk_device_));
  volkLoadDevice(vk_device_);
}

VkPipelineLayout Compiler::create_layout() const {
  std::vector<VkDescriptorSetLayoutBinding> bindings;
  for (uint32_t i = 0; i < binding_count; i++) {
    bindings.push_back({i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
  }
  VkDescriptorSetLayoutCreateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  set_info.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
  set_info.bindingCount = binding_count;
  set_info.pBindings = bindings.data();
  VkDescriptorSetLayout vk_set_layout;
  CHECK(vkCreateDescriptorSetLayout(vk_device_, &set_info, nullptr, &vk_set_layout));

  const VkPushConstantRange params{VK_SHADER_STAGE_COMPUTE_BIT, 0, params_bytes};
  VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.setLayoutCount = 1;
  info.pSetLayouts = &vk_set_layout;
  info.pushConstantRangeCount = 1;
  info.pPushConstantRanges = &params;
  VkPipelineLayout vk_layout;
  CHECK(vkCreatePipelineLayout(vk_device_, &info, nullptr, &vk_layout));
  return vk_layout;
}

VkPipeline Compiler::create_pipeline(const std::vector<uint32_t>& spirv, const CompileOptions& options) const {
  std::vector<VkSpecializationMapEntry> entries;
  std::vector<uint32_t> values;
  for (const auto& [id, value] : options.constants) {
    entries.push_back({id, static_cast<uint32_t>(values.size() * 4), 4});
    values.push_back(value);
  }
  const VkSpecializationInfo constants{static_cast<uint32_t>(entries.size()), entries.data(), values.size() * 4,
                                       values.data()};
  VkShaderModuleCreateInfo module{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module.codeSize = spirv.size() * 4;
  module.pCode = spirv.data();
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required{
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO};
  required.requiredSubgroupSize = options.subgroup_size;

  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.flags =
      VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
  info.layout = create_layout();
  info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &constants;
  if (options.subgroup_size != 0) {
    info.stage.pNext = &required;
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  CHECK(vkCreateShaderModule(vk_device_, &module, nullptr, &info.stage.module));
  VkPipeline vk_pipeline;
  CHECK(vkCreateComputePipelines(vk_device_, VK_NULL_HANDLE, 1, &info, nullptr, &vk_pipeline));
  return vk_pipeline;
}

Compilation Compiler::compile(const std::vector<uint32_t>& spirv, const CompileOptions& options) const {
  VkPipelineInfoKHR pipeline{VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR};
  pipeline.pipeline = create_pipeline(spirv, options);
  VkPipelineExecutablePropertiesKHR properties{VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
  uint32_t count = 1;
  CHECK(vkGetPipelineExecutablePropertiesKHR(vk_device_, &pipeline, &count, &properties));
  VkPipelineExecutableInfoKHR executable{VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR};
  executable.pipeline = pipeline.pipeline;

  Compilation result;
  result.device = name_;
  result.subgroup_size = properties.subgroupSize;
  read_statistics(vk_device_, executable, result);
  read_assembly(vk_device_, executable, result);
  return result;
}
