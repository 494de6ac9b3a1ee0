// Metal reads and writes the file; it is written beside and renamed.
#include "metal/archive.hpp"

#include <random>
#include <system_error>

#include "device/checksum.hpp"
#include "device/kernel.hpp"
#include "metal/library.hpp"

namespace wavetile::metal {
namespace {

namespace fs = std::filesystem;

// Other sources or another system make other code, which Metal would not find in the file, and would add to it.
std::string file_name(const std::string& device_name) {
  Checksum checksum;
  checksum.add(text_of(NS::ProcessInfo::processInfo()->operatingSystemVersionString()));
  for (const Kernel& kernel : kernels()) checksum.add(source_of(kernel.name));
  checksum.add(source_of("transfer"));
  std::string name;
  for (const char c : device_name) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  return name + "-" + std::to_string(checksum.value) + ".metalarchive";
}

NS::URL* url_of(const fs::path& path) { return NS::URL::fileURLWithPath(string_of(path.string())); }

}  // namespace

Archive::Archive(std::shared_ptr<Context> context, const std::string& folder) : context_(std::move(context)) {
  if (folder.empty()) return;
  const ScopedPool pool;
  path_ = fs::path(folder) / file_name(context_->physical.info.name);
  open();
}

Archive::~Archive() { save(); }

void Archive::open() {
  const auto descriptor = NS::TransferPtr(MTL::BinaryArchiveDescriptor::alloc()->init());
  std::error_code none;
  if (fs::exists(path_, none)) {
    descriptor->setUrl(url_of(path_));
    mtl_archive_ = NS::TransferPtr(context_->mtl_device->newBinaryArchive(descriptor.get(), nullptr));
  }
  if (mtl_archive_) return;
  descriptor->setUrl(nullptr);
  mtl_archive_ = NS::TransferPtr(context_->mtl_device->newBinaryArchive(descriptor.get(), nullptr));
}

NS::SharedPtr<MTL::ComputePipelineState> Archive::make_pipeline(const MTL::Function* function,
                                                                const std::string& name) {
  const auto descriptor = NS::TransferPtr(MTL::ComputePipelineDescriptor::alloc()->init());
  descriptor->setComputeFunction(function);
  descriptor->setLabel(string_of(name));
  if (mtl_archive_) {
    descriptor->setBinaryArchives(NS::Array::array(mtl_archive_.get()));
    const std::lock_guard lock(mutex_);
    const auto found = make(descriptor.get(), MTL::PipelineOptionFailOnBinaryArchiveMiss, nullptr);
    if (found) return found;
    changed_ = mtl_archive_->addComputePipelineFunctions(descriptor.get(), nullptr) || changed_;
  }
  NS::Error* error = nullptr;
  auto pipeline = make(descriptor.get(), MTL::PipelineOptionNone, &error);
  if (!pipeline) throw Error(ErrorCode::unsupported, "kernel " + name + " does not compile: " + text_of(error));
  return pipeline;
}

NS::SharedPtr<MTL::ComputePipelineState> Archive::make(const MTL::ComputePipelineDescriptor* descriptor,
                                                       MTL::PipelineOption option, NS::Error** error) const {
  return NS::TransferPtr(context_->mtl_device->newComputePipelineState(descriptor, option, nullptr, error));
}

void Archive::save() {
  const std::lock_guard lock(mutex_);
  if (!changed_ || context_->lost) return;
  const ScopedPool pool;
  std::error_code ignored;
  fs::create_directories(path_.parent_path(), ignored);
  const fs::path beside = path_.string() + "." + std::to_string(std::random_device()()) + ".part";
  if (mtl_archive_->serializeToURL(url_of(beside), nullptr)) fs::rename(beside, path_, ignored);
  changed_ = false;  // where it cannot be written now, it could not the next time
  fs::remove(beside, ignored);
}

}  // namespace wavetile::metal
