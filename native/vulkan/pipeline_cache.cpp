// Reads the file with its checksum (drivers trust the data), writes it beside and renames.
#include "vulkan/pipeline_cache.hpp"

#include <cstring>
#include <fstream>
#include <random>
#include <system_error>

#include "device/checksum.hpp"

namespace wavetile::vulkan {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMagic = 0x3163'6c70'6576'6177;  // "waveplc1", little endian
constexpr uint64_t kMostBytes = 256ull << 20;

struct Header {
  uint64_t magic, bytes, checksum;
};

uint64_t checksum_of(const std::vector<std::byte>& data) {
  Checksum checksum;
  checksum.add({reinterpret_cast<const char*>(data.data()), data.size()});
  return checksum.value;
}

std::vector<std::byte> read_cache(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  Header header{};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return {};
  if (header.magic != kMagic || header.bytes > kMostBytes) return {};
  std::vector<std::byte> data(header.bytes);
  if (!file.read(reinterpret_cast<char*>(data.data()), static_cast<std::streamsize>(data.size()))) return {};
  return checksum_of(data) == header.checksum ? data : std::vector<std::byte>{};
}

void write_cache(const fs::path& path, const std::vector<std::byte>& data) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const fs::path beside = path.string() + "." + std::to_string(std::random_device()()) + ".part";
  const Header header{kMagic, data.size(), checksum_of(data)};
  std::ofstream file(beside, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  file.close();
  if (file) {
    fs::rename(beside, path, ignored);
  }
  if (!file || ignored) fs::remove(beside, ignored);
}

}  // namespace

PipelineCache::PipelineCache(std::shared_ptr<Context> context, const std::string& folder)
    : context_(std::move(context)) {
  std::vector<std::byte> data;
  if (!folder.empty()) {
    path_ = fs::path(folder) / (context_->physical.cache_key + ".pipelines");
    data = read_cache(path_);
  }
  auto info = structure<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  info.initialDataSize = data.size();
  info.pInitialData = data.data();
  if (context_->vk.vkCreatePipelineCache(context_->vk_device, &info, nullptr, &vk_cache) == VK_SUCCESS) return;
  info.initialDataSize = 0;
  context_->check(context_->vk.vkCreatePipelineCache(context_->vk_device, &info, nullptr, &vk_cache),
                  "creating a pipeline cache");
}

PipelineCache::~PipelineCache() {
  save();
  context_->vk.vkDestroyPipelineCache(context_->vk_device, vk_cache, nullptr);
}

void PipelineCache::save() {
  if (path_.empty() || context_->lost || !changed_.exchange(false)) return;
  const std::lock_guard lock(save_mutex_);
  try {
    const std::vector<std::byte> data = contents();
    if (!data.empty()) write_cache(path_, data);
  } catch (const std::exception&) {
    changed_ = true;  // no memory or no randomness now; the next save tries again
  }
}

std::vector<std::byte> PipelineCache::contents() {
  const auto get = context_->vk.vkGetPipelineCacheData;
  size_t bytes = 0;
  if (get(context_->vk_device, vk_cache, &bytes, nullptr) != VK_SUCCESS) return {};
  std::vector<std::byte> data(bytes);
  if (get(context_->vk_device, vk_cache, &bytes, data.data()) != VK_SUCCESS) return {};
  data.resize(bytes);
  return data;
}

}  // namespace wavetile::vulkan
