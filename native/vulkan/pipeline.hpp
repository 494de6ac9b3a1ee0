// Compute pipelines: one for each kernel and set of constants, compiled once per device.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/kernel.hpp"
#include "device/once_map.hpp"
#include "vulkan/pipeline_cache.hpp"

namespace wavetile::vulkan {

class Pipeline {
 public:
  Pipeline(std::shared_ptr<Context> context, const Kernel& kernel, const std::vector<uint32_t>& constants,
           VkPipelineCache vk_cache);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  VkPipeline vk_pipeline = VK_NULL_HANDLE;
  VkPipelineLayout vk_layout = VK_NULL_HANDLE;

 private:
  void create_layout(const Kernel& kernel);
  void create_pipeline(const Kernel& kernel, const std::vector<uint32_t>& constants, VkPipelineCache vk_cache);
  void destroy();

  std::shared_ptr<Context> context_;
  VkDescriptorSetLayout vk_set_layout_ = VK_NULL_HANDLE;
};

class Pipelines {
 public:
  Pipelines(std::shared_ptr<Context> context, const std::string& cache_folder)
      : context_(context), cache_(std::move(context), cache_folder) {}

  // Compiles when it is the first to ask; others who ask meanwhile wait for it.
  std::shared_ptr<Pipeline> get(const Kernel& kernel, const std::vector<uint32_t>& constants);
  void save_cache() { cache_.save(); }

 private:
  using Key = std::pair<const Kernel*, std::vector<uint32_t>>;

  std::shared_ptr<Context> context_;
  PipelineCache cache_;
  OnceMap<Key, Pipeline> pipelines_;
};

}  // namespace wavetile::vulkan
