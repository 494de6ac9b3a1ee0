// Compiled pipelines on disk: one file for each GPU and driver version in the cache folder.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "vulkan/context.hpp"

namespace wavetile::vulkan {

// A file that is missing, damaged or unwritable costs compile time and is no error.
class PipelineCache {
 public:
  PipelineCache(std::shared_ptr<Context> context, const std::string& folder);  // empty folder: memory only
  ~PipelineCache();
  PipelineCache(const PipelineCache&) = delete;
  PipelineCache& operator=(const PipelineCache&) = delete;

  void save();  // when a pipeline was added since the last time

  void mark_changed() { changed_ = true; }
  VkPipelineCache vk_cache = VK_NULL_HANDLE;

 private:
  std::vector<std::byte> contents();

  std::shared_ptr<Context> context_;
  std::filesystem::path path_;
  std::atomic<bool> changed_ = false;
  std::mutex save_mutex_;
};

}  // namespace wavetile::vulkan
