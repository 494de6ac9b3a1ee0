// Pipelines, and archives of them: a list of which functions with which constants are there.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>

#include "library.hpp"
#include "resources.hpp"

namespace software_metal {
namespace {

constexpr const char* kPipelineDomain = "MTLLibraryErrorDomain";
constexpr const char* kArchiveDomain = "MTLBinaryArchiveDomain";
constexpr const char* kArchiveHeader = "software Metal archive";
enum ErrorCode { kInvalidFile = 1, kUnexpectedElement = 2, kCompileFailure = 3 };

struct PipelineDescriptor : MTL::ComputePipelineDescriptor {
  std::string label_text;
  NS::SharedPtr<Function> function;
  NS::SharedPtr<NS::Array> archives;
};

struct ArchiveDescriptor : MTL::BinaryArchiveDescriptor {
  NS::SharedPtr<NS::URL> path;
};

struct Archive : MTL::BinaryArchive {
  std::string label_text;
  std::mutex mutex;
  std::set<std::string> functions;
};

std::string key_of(const Function& function) {
  std::string key = function.library->identity + " " + function.kernel->name;
  for (const ConstantValue& constant : function.constants) {
    key.append(" ").append(std::to_string(constant.index)).append("=");
    for (const uint8_t byte : constant.data) key.append(std::to_string(byte)).append(".");
  }
  return key;
}

bool is_archived(const PipelineDescriptor& descriptor) {
  const std::string key = key_of(*descriptor.function.get());
  for (NS::UInteger i = 0; descriptor.archives && i < descriptor.archives->count(); i++) {
    auto* archive = as<Archive>(descriptor.archives->object<MTL::BinaryArchive>(i));
    std::lock_guard lock(archive->mutex);
    if (archive->functions.count(key)) return true;
  }
  return false;
}

bool read_archive(Archive& archive, const char* path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != kArchiveHeader) return false;
  while (std::getline(file, line)) archive.functions.insert(line);
  return true;
}

}  // namespace
}  // namespace software_metal

SOFTWARE_METAL_LABEL(BinaryArchive, Archive)

namespace MTL {

using software_metal::as;
using software_metal::set_error;
using Descriptor = software_metal::PipelineDescriptor;

ComputePipelineDescriptor* ComputePipelineDescriptor::alloc() { return new Descriptor; }
ComputePipelineDescriptor* ComputePipelineDescriptor::init() { return this; }
NS::String* ComputePipelineDescriptor::label() const {
  return software_metal::make_string(as<Descriptor>(this)->label_text);
}
void ComputePipelineDescriptor::setLabel(const NS::String* label) {
  as<Descriptor>(this)->label_text = software_metal::text_of(label);
}
Function* ComputePipelineDescriptor::computeFunction() const { return as<Descriptor>(this)->function.get(); }
void ComputePipelineDescriptor::setComputeFunction(const Function* function) {
  as<Descriptor>(this)->function = NS::RetainPtr(as<software_metal::Function>(function));
}
NS::Array* ComputePipelineDescriptor::binaryArchives() const { return as<Descriptor>(this)->archives.get(); }
void ComputePipelineDescriptor::setBinaryArchives(const NS::Array* archives) {
  auto& ours = as<Descriptor>(this)->archives;
  ours = archives ? NS::RetainPtr(as<NS::Array>(archives)) : NS::SharedPtr<NS::Array>();
}
void ComputePipelineDescriptor::reset() {
  as<Descriptor>(this)->function.reset();
  as<Descriptor>(this)->archives.reset();
}

ComputePipelineState* Device::newComputePipelineState(const Function* function, NS::Error** error) {
  if (!function) {
    set_error(error, software_metal::kPipelineDomain, software_metal::kCompileFailure, "no function");
    return nullptr;
  }
  auto* pipeline = new software_metal::Pipeline;
  pipeline->function = NS::RetainPtr(as<software_metal::Function>(function));
  return pipeline;
}
ComputePipelineState* Device::newComputePipelineState(const ComputePipelineDescriptor* descriptor,
                                                      PipelineOption options,
                                                      const AutoreleasedComputePipelineReflection*, NS::Error** error) {
  const auto& described = *as<Descriptor>(descriptor);
  if ((options & PipelineOptionFailOnBinaryArchiveMiss) && !software_metal::is_archived(described)) {
    set_error(error, software_metal::kArchiveDomain, software_metal::kUnexpectedElement, "not in the archives");
    return nullptr;
  }
  return newComputePipelineState(described.function.get(), error);
}

Device* ComputePipelineState::device() const { return software_metal::the_device(); }
NS::String* ComputePipelineState::label() const { return software_metal::make_string(""); }
NS::UInteger ComputePipelineState::maxTotalThreadsPerThreadgroup() const {
  constexpr NS::UInteger kDeviceLimit = 1024;
  const int stated = as<software_metal::Pipeline>(this)->function->kernel->max_threads;
  return stated > 0 ? static_cast<NS::UInteger>(stated) : kDeviceLimit;
}
NS::UInteger ComputePipelineState::threadExecutionWidth() const { return 32; }
NS::UInteger ComputePipelineState::staticThreadgroupMemoryLength() const {
  return as<software_metal::Pipeline>(this)->function->kernel->threadgroup_bytes;
}

BinaryArchiveDescriptor* BinaryArchiveDescriptor::alloc() { return new software_metal::ArchiveDescriptor; }
BinaryArchiveDescriptor* BinaryArchiveDescriptor::init() { return this; }
NS::URL* BinaryArchiveDescriptor::url() const { return as<software_metal::ArchiveDescriptor>(this)->path.get(); }
void BinaryArchiveDescriptor::setUrl(const NS::URL* url) {
  auto& path = as<software_metal::ArchiveDescriptor>(this)->path;
  path = url ? NS::RetainPtr(as<NS::URL>(url)) : NS::SharedPtr<NS::URL>();
}

BinaryArchive* Device::newBinaryArchive(const BinaryArchiveDescriptor* descriptor, NS::Error** error) {
  if (software_metal::is_paravirtual()) software_metal::misuse("a paravirtual device has no binary archives");
  auto archive = NS::TransferPtr(new software_metal::Archive);
  const NS::URL* url = descriptor->url();
  if (url && !software_metal::read_archive(*archive.get(), url->fileSystemRepresentation())) {
    set_error(error, software_metal::kArchiveDomain, software_metal::kInvalidFile, "not an archive");
    return nullptr;
  }
  return archive->retain();
}

bool BinaryArchive::addComputePipelineFunctions(const ComputePipelineDescriptor* descriptor, NS::Error**) {
  auto* archive = as<software_metal::Archive>(this);
  std::lock_guard lock(archive->mutex);
  archive->functions.insert(software_metal::key_of(*as<Descriptor>(descriptor)->function.get()));
  return true;
}
bool BinaryArchive::serializeToURL(const NS::URL* url, NS::Error** error) {
  auto* archive = as<software_metal::Archive>(this);
  std::lock_guard lock(archive->mutex);
  std::ofstream file(url->fileSystemRepresentation());
  file << software_metal::kArchiveHeader << "\n";
  for (const std::string& function : archive->functions) file << function << "\n";
  file.close();
  if (!file) set_error(error, software_metal::kArchiveDomain, software_metal::kInvalidFile, "cannot be written");
  return static_cast<bool>(file);
}

}  // namespace MTL
