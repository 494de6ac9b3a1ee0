// Compiled pipelines on disk: a file with one MTL::BinaryArchive for each kernel and set of constants. Metal reads all
// of an archive when it opens one, and writes all of it when something is added.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "metal/context.hpp"

namespace wavetile::metal {

using Pipeline = NS::SharedPtr<MTL::ComputePipelineState>;

// A file that is missing, damaged, foreign or unwritable costs compile time and is no error.
class Archive {
 public:
  Archive(std::shared_ptr<Context> context, const std::string& folder);  // empty folder: no files

  // From its file, or compiled and then written. Throws Error(unsupported) with what the compiler said.
  Pipeline make_pipeline(const MTL::Function* function, const std::string& name,
                         const std::vector<uint32_t>& constants) const;

 private:
  Pipeline read(const std::filesystem::path& path, MTL::ComputePipelineDescriptor& descriptor) const;
  void write(const std::filesystem::path& path, const MTL::ComputePipelineDescriptor& descriptor) const;
  NS::SharedPtr<MTL::BinaryArchive> open(const NS::URL* url) const;

  const std::shared_ptr<Context> context_;
  std::filesystem::path folder_;  // empty: no files
};

}  // namespace wavetile::metal
