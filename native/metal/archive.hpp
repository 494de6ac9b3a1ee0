// Compiled pipelines on disk: one MTL::BinaryArchive for each GPU, system and set of kernels in the cache folder.
#pragma once
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "metal/context.hpp"

namespace wavetile::metal {

// A file that is missing, damaged or unwritable costs compile time and is no error.
class Archive {
 public:
  Archive(std::shared_ptr<Context> context, const std::string& folder);  // empty folder: no archive
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  // From the archive, or compiled into it. Throws Error(unsupported) with what the compiler said.
  NS::SharedPtr<MTL::ComputePipelineState> make_pipeline(const MTL::Function* function, const std::string& name);
  void save();  // when a pipeline was added since the last time

 private:
  void open();
  NS::SharedPtr<MTL::ComputePipelineState> make(const MTL::ComputePipelineDescriptor* descriptor,
                                                MTL::PipelineOption option, NS::Error** error) const;

  const std::shared_ptr<Context> context_;
  std::filesystem::path path_;
  std::mutex mutex_;
  NS::SharedPtr<MTL::BinaryArchive> mtl_archive_;
  bool changed_ = false;
};

}  // namespace wavetile::metal
