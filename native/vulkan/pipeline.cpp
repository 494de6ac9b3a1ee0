// Checks what a kernel needs against the device, makes its layout and compiles it.
#include "vulkan/pipeline.hpp"

#include "device/error.hpp"
#include "vulkan/features.hpp"

namespace wavetile::vulkan {
namespace {

void require_limit(const Kernel& kernel, const char* what, uint64_t needed, uint64_t limit) {
  if (needed <= limit) return;
  throw Error(ErrorCode::unsupported, "kernel " + std::string(kernel.name) + " needs " + std::to_string(needed) + " " +
                                          what + ", the device has " + std::to_string(limit));
}

void require_device(const Kernel& kernel, const PhysicalDevice& device) {
  require_features(kernel, device.info.features, device.info.name);
  require_limit(kernel, "bytes of params", kernel.params_bytes, device.most_push_bytes);
  require_limit(kernel, "buffers", kernel.bindings.size(), device.most_push_descriptors);
  const uint64_t invocations = uint64_t{kernel.workgroup[0]} * kernel.workgroup[1] * kernel.workgroup[2];
  require_limit(kernel, "invocations in a workgroup", invocations, device.info.max_workgroup_invocations);
}

class ShaderModule {
 public:
  ShaderModule(Context& context, const Kernel& kernel) : context_(context) {
    auto info = structure<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    info.codeSize = kernel.spirv.size_bytes();
    info.pCode = kernel.spirv.data();
    context.check(context.vk.vkCreateShaderModule(context.vk_device, &info, nullptr, &vk_module), "loading a shader");
  }
  ~ShaderModule() { context_.vk.vkDestroyShaderModule(context_.vk_device, vk_module, nullptr); }
  ShaderModule(const ShaderModule&) = delete;
  ShaderModule& operator=(const ShaderModule&) = delete;

  VkShaderModule vk_module = VK_NULL_HANDLE;

 private:
  Context& context_;
};

}  // namespace

Pipeline::Pipeline(std::shared_ptr<Context> context, const Kernel& kernel, const std::vector<uint32_t>& constants,
                   VkPipelineCache vk_cache)
    : context_(std::move(context)) {
  require_device(kernel, context_->physical);
  try {
    create_layout(kernel);
    create_pipeline(kernel, constants, vk_cache);
  } catch (...) {
    destroy();
    throw;
  }
}

Pipeline::~Pipeline() { destroy(); }

void Pipeline::destroy() {
  const VolkDeviceTable& vk = context_->vk;
  vk.vkDestroyPipeline(context_->vk_device, vk_pipeline, nullptr);
  vk.vkDestroyPipelineLayout(context_->vk_device, vk_layout, nullptr);
  vk.vkDestroyDescriptorSetLayout(context_->vk_device, vk_set_layout_, nullptr);
}

void Pipeline::create_layout(const Kernel& kernel) {
  std::vector<VkDescriptorSetLayoutBinding> bindings(kernel.bindings.size());
  for (uint32_t i = 0; i < bindings.size(); ++i) {
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  }
  auto set = structure<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
  set.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
  set.bindingCount = static_cast<uint32_t>(bindings.size());
  set.pBindings = bindings.data();
  const VolkDeviceTable& vk = context_->vk;
  context_->check(vk.vkCreateDescriptorSetLayout(context_->vk_device, &set, nullptr, &vk_set_layout_),
                  "creating a descriptor set layout");
  const VkPushConstantRange params{VK_SHADER_STAGE_COMPUTE_BIT, 0, kernel.params_bytes};
  auto layout = structure<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &vk_set_layout_;
  layout.pushConstantRangeCount = kernel.params_bytes ? 1 : 0;
  layout.pPushConstantRanges = &params;
  context_->check(vk.vkCreatePipelineLayout(context_->vk_device, &layout, nullptr, &vk_layout),
                  "creating a pipeline layout");
}

void Pipeline::create_pipeline(const Kernel& kernel, const std::vector<uint32_t>& constants, VkPipelineCache vk_cache) {
  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < constants.size(); ++i) {
    entries.push_back({kernel.constants[i].id, i * 4, sizeof(uint32_t)});
  }
  const VkSpecializationInfo specialization{static_cast<uint32_t>(entries.size()), entries.data(),
                                            constants.size() * sizeof(uint32_t), constants.data()};
  const ShaderModule module(*context_, kernel);
  auto wave = structure<VkPipelineShaderStageRequiredSubgroupSizeCreateInfo>(
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO);
  wave.requiredSubgroupSize = context_->physical.required_subgroup_size;
  auto info = structure<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module.vk_module;
  info.stage.pName = "main";
  info.stage.pSpecializationInfo = &specialization;
  info.layout = vk_layout;
  if (wave.requiredSubgroupSize && kernel.workgroup[0] % wave.requiredSubgroupSize == 0) {
    info.stage.pNext = &wave;
    info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  const std::string what = "compiling kernel " + std::string(kernel.name);
  context_->check(context_->vk.vkCreateComputePipelines(context_->vk_device, vk_cache, 1, &info, nullptr, &vk_pipeline),
                  what.c_str());
}

std::shared_ptr<Pipeline> Pipelines::get(const Kernel& kernel, const std::vector<uint32_t>& constants) {
  return pipelines_.get({&kernel, constants}, [&] {
    auto pipeline = std::make_shared<Pipeline>(context_, kernel, constants, cache_.vk_cache);
    cache_.mark_changed();
    return pipeline;
  });
}

}  // namespace wavetile::vulkan
