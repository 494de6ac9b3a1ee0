// Metal reads and writes the files; one is written beside and renamed.
#include "metal/archive.hpp"

#include <cstdlib>
#include <random>
#include <string_view>
#include <system_error>

#include "device/checksum.hpp"

namespace wavetile::metal {
namespace {

namespace fs = std::filesystem;

std::string file_name(const std::string& text) {
  std::string name;
  for (const char c : text) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  return name;
}

NS::URL* url_of(const fs::path& path) { return NS::URL::fileURLWithPath(string_of(path.string())); }

// Not of instrumented code, not on systems where others found archives unsound; and a virtual GPU ends the process.
bool has_archives(const DeviceInfo& info) {
  const char* validation = std::getenv("MTL_SHADER_VALIDATION");
  const bool is_instrumented = validation && std::string_view(validation) != "0";
  return !is_instrumented && info.kind != "virtual" && is_macos(15, 4);
}

}  // namespace

Archive::Archive(std::shared_ptr<Context> context, const std::string& folder) : context_(std::move(context)) {
  const ScopedPool pool;
  const DeviceInfo& info = context_->physical.info;
  if (folder.empty() || !has_archives(info)) return;
  const auto system = text_of(NS::ProcessInfo::processInfo()->operatingSystemVersionString());
  const fs::path of_device = fs::path(folder) / "metal-pipelines" / file_name(info.name);
  folder_ = of_device / file_name(system);
  std::error_code ignored;
  if (fs::exists(folder_, ignored)) return;
  fs::remove_all(of_device, ignored);  // what an earlier system compiled
  fs::create_directories(folder_, ignored);
}

Pipeline Archive::make_pipeline(const MTL::Function* function, const std::string& name,
                                const std::vector<uint32_t>& constants) const {
  const auto descriptor = NS::TransferPtr(MTL::ComputePipelineDescriptor::alloc()->init());
  descriptor->setComputeFunction(function);
  descriptor->setLabel(string_of(name));
  Checksum checksum;
  for (const uint32_t constant : constants) checksum.add(std::to_string(constant) + " ");
  const fs::path path = folder_ / (name + "-" + std::to_string(checksum.value) + ".metalarchive");
  if (Pipeline found = read(path, *descriptor.get())) return found;
  NS::Error* error = nullptr;
  auto pipeline = NS::TransferPtr(
      context_->mtl_device->newComputePipelineState(descriptor.get(), MTL::PipelineOptionNone, nullptr, &error));
  if (!pipeline) throw Error(ErrorCode::unsupported, "kernel " + name + " does not compile: " + text_of(error));
  write(path, *descriptor.get());
  return pipeline;
}

// Metal finds what it compiled of the same function: what another version of this package left is not found.
Pipeline Archive::read(const fs::path& path, MTL::ComputePipelineDescriptor& descriptor) const {
  std::error_code none;
  if (folder_.empty() || !fs::exists(path, none)) return {};
  const auto archive = open(url_of(path));
  if (!archive) return {};
  descriptor.setBinaryArchives(NS::Array::array(archive.get()));
  auto found = NS::TransferPtr(context_->mtl_device->newComputePipelineState(
      &descriptor, MTL::PipelineOptionFailOnBinaryArchiveMiss, nullptr, nullptr));
  descriptor.setBinaryArchives(nullptr);
  return found;
}

void Archive::write(const fs::path& path, const MTL::ComputePipelineDescriptor& descriptor) const {
  if (folder_.empty()) return;
  const auto archive = open(nullptr);
  if (!archive || !archive->addComputePipelineFunctions(&descriptor, nullptr)) return;
  const fs::path beside = path.string() + "." + std::to_string(std::random_device()()) + ".part";
  std::error_code failed;
  if (archive->serializeToURL(url_of(beside), nullptr)) fs::rename(beside, path, failed);
  fs::remove(beside, failed);
}

NS::SharedPtr<MTL::BinaryArchive> Archive::open(const NS::URL* url) const {
  const auto descriptor = NS::TransferPtr(MTL::BinaryArchiveDescriptor::alloc()->init());
  descriptor->setUrl(url);
  return NS::TransferPtr(context_->mtl_device->newBinaryArchive(descriptor.get(), nullptr));
}

}  // namespace wavetile::metal
