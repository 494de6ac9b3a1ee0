// A Vulkan device that only compiles: enough of one for RADV without a GPU, which has no memory types.
#pragma once
#include <volk.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

struct Compilation {
  std::string device;
  uint32_t subgroup_size = 0;
  std::map<std::string, uint64_t> statistics;
  std::string assembly;
};

struct CompileOptions {
  uint32_t subgroup_size = 0;              // 0: the driver's choice
  std::map<uint32_t, uint32_t> constants;  // specialization constants by id
};

class Compiler {
 public:
  Compiler();  // takes the first device that the loader finds; throws std::runtime_error

  Compilation compile(const std::vector<uint32_t>& spirv, const CompileOptions& options) const;

 private:
  void create_device();
  VkPipelineLayout create_layout() const;
  VkPipeline create_pipeline(const std::vector<uint32_t>& spirv, const CompileOptions& options) const;

  VkPhysicalDevice vk_physical_device_ = VK_NULL_HANDLE;
  VkDevice vk_device_ = VK_NULL_HANDLE;
  std::string name_;
};
